use std::collections::BTreeMap;

use crate::{
    ErrorKind, ServiceName, Subject,
    driver::{Counts, Shared},
};

/// What a conduit has sent and received since it was created, from
/// [`Conduit::traffic`](crate::Conduit::traffic).
///
/// The first 100 subjects of each direction are counted one by one, and the rest together, so that
/// metrics made of this have a bounded number of labels.
///
/// ```
/// use conduit::{Conduit, Error, ErrorKind};
/// use conduit_json::Json;
/// use conduit_memory::Memory;
/// use conduit_smol::Smol;
///
/// # fn main() -> Result<(), Error> {
/// # smol::block_on(async {
/// let conduit = Conduit::new("math", Smol, Memory::new(), Json)?;
/// conduit.queue_bind("square").await?.serve(async |number: u64| Ok::<_, Error>(number * number));
/// let own = conduit.own_service();
/// own.request("square", &4).await?;
/// own.request("square", "four").await.expect_err("it is not a number");
/// conduit.close().await;
///
/// let traffic = conduit.traffic();
/// let (sent, received) = (&traffic.sent[0], &traffic.received[0]);
/// assert_eq!((sent.messages, sent.failed[&ErrorKind::NotDecoded]), (2, 1));
/// assert_eq!((received.messages, received.handled), (2, 1));
/// assert_eq!(received.failed[&ErrorKind::NotDecoded], 1);
/// # Ok(())
/// # })
/// # }
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Traffic {
    /// What was sent, by service and subject, in the order of their names.
    pub sent: Vec<SentTraffic>,
    /// What was received, by subject, in the order of their names.
    pub received: Vec<ReceivedTraffic>,
}

/// What was sent to one subject: a part of [`Traffic`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SentTraffic {
    /// The service and the subject. `None` for all that are not counted one by one.
    pub to: Option<(ServiceName, Subject)>,
    /// Messages and requests that were begun to be sent, those that failed included.
    pub messages: u64,
    /// The errors of sends and requests, and of answers to
    /// [`request_all`](crate::Client::request_all). A message that could not be begun counts too.
    pub failed: BTreeMap<ErrorKind, u64>,
}

/// What was received on one subject: a part of [`Traffic`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReceivedTraffic {
    /// The subject. `None` for all that are not counted one by one.
    pub subject: Option<Subject>,
    /// Messages that bindings took. If several receive the same message, each counts.
    pub messages: u64,
    /// Messages whose handlers ended without an error. Those that a loop takes with
    /// [`next`](crate::Binding::next) do not count.
    pub handled: u64,
    /// Failures of handlers, and messages that no binding took, each time that one is offered. One
    /// that was dropped or refused because a binding was full counts as `Overloaded`.
    pub failed: BTreeMap<ErrorKind, u64>,
}

impl Traffic {
    pub(crate) fn of(shared: &Shared) -> Self {
        let sent = shared.destinations.sent().all().into_iter();
        let sent = sent.map(|(to, tally)| (to, tally.counts()));
        let received = shared.records.received().into_iter();
        Self {
            sent: sent
                .filter(|(_, counts)| !counts.is_empty())
                .map(|(to, Counts { begun, failed, .. })| SentTraffic {
                    to,
                    messages: begun,
                    failed,
                })
                .collect(),
            received: received
                .map(|(subject, Counts { begun, done, failed, .. })| ReceivedTraffic {
                    subject,
                    messages: begun,
                    handled: done,
                    failed,
                })
                .collect(),
        }
    }
}
