/// The bytes that all inbound bodies of a conduit may hold together.
///
/// A body charges what it may be sent and has not been read. Growth comes only from what is free;
/// the first bytes of a reply that was asked for are charged even where nothing is.
#[derive(Debug)]
pub struct Budget {
    limit: u64,
    used: u64,
    /// How many bodies are charged.
    bodies: u64,
}

impl Budget {
    /// A budget of so many bytes.
    #[must_use]
    pub const fn new(limit: u64) -> Self {
        Self { limit, used: 0, bodies: 0 }
    }

    /// The bytes that are charged now.
    #[must_use]
    pub const fn used(&self) -> u64 {
        self.used
    }

    /// The bytes that are not.
    #[must_use]
    pub const fn free(&self) -> u64 {
        self.limit.saturating_sub(self.used)
    }

    /// What each body may have of it where all have the same.
    pub(super) fn share(&self) -> u64 {
        self.limit / self.bodies.max(1)
    }

    /// Replaces one charge by another.
    pub(super) fn recharge(&mut self, charge: &mut u64, new: u64) {
        self.bodies = self.bodies - u64::from(*charge > 0) + u64::from(new > 0);
        self.used = (self.used - *charge).saturating_add(new);
        *charge = new;
    }
}
