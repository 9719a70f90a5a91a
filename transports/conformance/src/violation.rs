use std::fmt;

/// What the checks hold a transport to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Guarantee {
    /// A message reaches every `bind` in every instance.
    Broadcast,
    /// A message reaches exactly one `queue_bind` of a service.
    Queue,
    /// A reply reaches the asker, and nobody else.
    Replies,
    /// A packet comes once, and as it was.
    Packets,
    /// Messages of one sender to one subject keep their order.
    Order,
    /// What is sent after `bind` returned arrives.
    Binding,
    /// A body arrives whole, or an error does.
    Bodies,
    /// The pace of a reader limits its sender, and what is held is bounded.
    FlowControl,
    /// What is not needed any more is released.
    Release,
    /// A missing receiver is told at once.
    Undelivered,
    /// What was routed to a binding that leaves is not lost.
    Leaving,
    /// One part that is stuck delays nothing else.
    Isolation,
    /// Bad input and the end of a conduit give typed errors.
    Errors,
}

/// A guarantee that a transport broke, and how it showed.
///
/// `{}` and `{:?}` print a sentence, `{:#?}` the parts.
pub struct Violation {
    guarantee: Guarantee,
    what: String,
}

impl Violation {
    /// A guarantee does not hold.
    pub fn new(guarantee: Guarantee, what: impl Into<String>) -> Self {
        Self { guarantee, what: what.into() }
    }

    /// Which one.
    #[must_use]
    pub fn guarantee(&self) -> Guarantee {
        self.guarantee
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} does not hold: {}", self.guarantee, self.what)
    }
}

impl fmt::Debug for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !f.alternate() {
            return fmt::Display::fmt(self, f);
        }
        let mut parts = f.debug_struct("Violation");
        parts.field("guarantee", &self.guarantee).field("what", &self.what).finish()
    }
}

impl std::error::Error for Violation {}

impl Guarantee {
    /// Breaks with a text unless something holds.
    ///
    /// # Errors
    /// The violation.
    pub fn ensure(self, holds: bool, what: impl FnOnce() -> String) -> Result<(), Violation> {
        if holds { Ok(()) } else { Err(Violation::new(self, what())) }
    }

    /// An operation that must succeed.
    ///
    /// # Errors
    /// The violation, with the operation's error.
    pub fn expect<T, E: fmt::Display>(
        self,
        doing: &str,
        result: Result<T, E>,
    ) -> Result<T, Violation> {
        result.map_err(|error| Violation::new(self, format!("{doing}: {error}")))
    }
}
