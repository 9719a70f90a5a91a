use std::{collections::BTreeMap, time::Duration};

use conduit::{
    ErrorKind, Executed, Subject,
    layer::{CallKind, Layer, Next, OutboundCall, Outcome},
};
use futures_lite::future;

/// Shortens the time of calls, by subject.
///
/// A call that is over time fails as [`Deadline`](ErrorKind::Deadline), and is cancelled at its
/// receivers. Replies are not limited: their asker has a time of its own.
///
/// ```
/// use std::time::Duration;
///
/// use conduit::Conduit;
/// use conduit_json::Json;
/// use conduit_layers::{Timeout, Times};
/// use conduit_memory::Memory;
/// use conduit_smol::Smol;
///
/// # fn main() -> Result<(), conduit::Error> {
/// # smol::block_on(async {
/// let (second, minute) = (Duration::from_secs(1), Duration::from_secs(60));
/// let timeout = Timeout::new(Times::whole(5 * second))
///     .subject("export".parse()?, Times::whole(10 * minute).first_byte(5 * second));
/// let client = Conduit::new("client", Smol, Memory::new(), Json)?;
/// let service = client.service("reports").layer(timeout);
/// # drop(service);
/// # Ok(())
/// # })
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Timeout {
    all: Times,
    subjects: BTreeMap<Subject, Times>,
}

/// The times of a call: see [`Timeout`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Times {
    whole: Option<Duration>,
    first_byte: Option<Duration>,
}

impl Times {
    /// Limits the time from the call to the last byte: of the body of a send, or of the reply to a
    /// request. A deadline that is earlier stays.
    #[must_use]
    pub fn whole(time: Duration) -> Self {
        Self { whole: Some(time), first_byte: None }
    }

    /// Limits the time to the head of the reply to a request. Whether a handler was executed is not
    /// known then.
    #[must_use]
    pub fn first_byte(mut self, time: Duration) -> Self {
        self.first_byte = Some(time);
        self
    }
}

impl Timeout {
    /// Creates a layer with times for every subject that has none of its own.
    #[must_use]
    pub fn new(all: Times) -> Self {
        Self { all, subjects: BTreeMap::new() }
    }

    /// Sets the times of a subject.
    #[must_use]
    pub fn subject(mut self, subject: Subject, times: Times) -> Self {
        self.subjects.insert(subject, times);
        self
    }
}

impl Layer for Timeout {
    async fn outbound(&self, mut call: OutboundCall, next: Next<'_>) -> Outcome {
        let Times { whole, first_byte } = *self.subjects.get(call.subject()).unwrap_or(&self.all);
        if call.kind() == CallKind::Reply {
            return next.run(call).await;
        }
        let clock = call.clock().clone();
        let after = |time| clock.now().checked_add(time);
        if let Some(at) = whole.and_then(after) {
            call.shorten_deadline(at);
        }
        let first_byte = first_byte.filter(|_| call.kind() == CallKind::Request);
        // The deadline of the call tells more of what was executed.
        let earlier = |at: &_| call.deadline().is_none_or(|deadline| *at < deadline);
        let Some(at) = first_byte.and_then(after).filter(earlier) else {
            return next.run(call).await;
        };
        let late = async {
            clock.sleep_until(at).await;
            let text = format!("there was no reply within {:?}", first_byte.unwrap_or_default());
            Outcome::failed(ErrorKind::Deadline, text, Executed::Maybe)
        };
        future::or(next.run(call), late).await
    }
}
