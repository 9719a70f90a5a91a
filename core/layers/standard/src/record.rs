use std::{
    collections::VecDeque,
    fmt,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use conduit::{
    ErrorKind, Executed, Headers, ServiceName, Subject,
    layer::{
        CallKind, End, InboundCall, InboundNext, InboundOutcome, Layer, Next, OutboundCall, Outcome,
    },
};

use crate::lock;

/// Keeps what was sent and received, and what came of it, for tests. Clones share it.
///
/// ```
/// use conduit::{Conduit, Error};
/// use conduit_json::Json;
/// use conduit_layers::Record;
/// use conduit_memory::Memory;
/// use conduit_smol::Smol;
///
/// # fn main() -> Result<(), Error> {
/// # smol::block_on(async {
/// let record = Record::new();
/// let builder = Conduit::builder("shop").runtime(Smol).transport(Memory::new()).encoder(Json);
/// let shop = builder.layer(record.clone()).build()?;
/// shop.queue_bind("order").await?.serve_with(async |item: String, message| {
///     message.service("mail").send("sold", &item).await?;
///     Ok::<_, Error>(())
/// });
/// shop.own_service().request("order", "tea").await?;
///
/// record.assert_sent("sold", 1);
/// record.assert_handled("order", 1);
/// let sold = &record.sent("sold")[0];
/// assert_eq!(sold.service.as_str(), "mail");
/// assert_eq!(sold.body.as_deref(), Some(&br#""tea""#[..]));
/// assert!(sold.is_ok());
/// # Ok(())
/// # })
/// # }
/// ```
#[derive(Clone, Default)]
pub struct Record(Arc<Mutex<Kept>>);

#[derive(Default)]
struct Kept {
    all: VecDeque<Recorded>,
    /// The number of the first one.
    first: u64,
}

/// What a [`Recorded`] was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RecordedKind {
    /// It left.
    Sent(CallKind),
    /// Its handler ran.
    Handled,
}

/// A message that was sent, or whose handler has run: see [`Record`].
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Recorded {
    /// What it was.
    pub kind: RecordedKind,
    /// The service that it was sent to, or from.
    pub service: ServiceName,
    /// The subject.
    pub subject: Subject,
    /// Its headers.
    pub headers: Headers,
    /// The body of what was sent, if it was in memory.
    pub body: Option<Bytes>,
    /// What came of it: `None` while it goes on, and if it was dropped.
    pub result: Option<Result<(), ErrorKind>>,
    /// Whether a handler was executed, if it was sent and has failed.
    pub executed: Option<Executed>,
    /// Whether it has ended, with the last byte of its reply: `Some(false)` if that was not read.
    pub was_completed: Option<bool>,
}

impl Recorded {
    /// Returns whether it has succeeded.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.result == Some(Ok(()))
    }
}

impl Record {
    /// How many are kept: the newest.
    pub const MAX: usize = 10_000;

    /// Creates an empty record.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns everything, in the order in which it began.
    #[must_use]
    pub fn all(&self) -> Vec<Recorded> {
        lock(&self.0).all.iter().cloned().collect()
    }

    /// Returns the sends and requests to a subject; for the replies, see [`all`](Self::all).
    #[must_use]
    pub fn sent(&self, subject: &str) -> Vec<Recorded> {
        let mut all = self.of(subject);
        all.retain(|one| match one.kind {
            RecordedKind::Sent(kind) => kind != CallKind::Reply,
            RecordedKind::Handled => false,
        });
        all
    }

    /// Returns the messages of a subject whose handlers have run.
    #[must_use]
    pub fn handled(&self, subject: &str) -> Vec<Recorded> {
        let mut all = self.of(subject);
        all.retain(|one| one.kind == RecordedKind::Handled);
        all
    }

    fn of(&self, subject: &str) -> Vec<Recorded> {
        let mut all = self.all();
        all.retain(|one| one.subject.as_str() == subject);
        all
    }

    /// Forgets everything.
    pub fn clear(&self) {
        let mut kept = lock(&self.0);
        kept.first += kept.all.len() as u64;
        kept.all.clear();
    }

    /// Checks how many sends and requests there were to a subject.
    ///
    /// # Panics
    /// If there was another number of them.
    #[track_caller]
    pub fn assert_sent(&self, subject: &str, count: usize) {
        let sent = self.sent(subject);
        assert_eq!(sent.len(), count, "what was sent to {subject}: {sent:#?}");
    }

    /// Checks how many handlers of a subject have run.
    ///
    /// # Panics
    /// If another number of them has.
    #[track_caller]
    pub fn assert_handled(&self, subject: &str, count: usize) {
        let handled = self.handled(subject);
        assert_eq!(handled.len(), count, "what was handled of {subject}: {handled:#?}");
    }

    /// Checks that nothing has failed, and that everything has ended.
    ///
    /// # Panics
    /// If something has failed, or goes on.
    #[track_caller]
    pub fn assert_all_ok(&self) {
        let mut bad = self.all();
        bad.retain(|one| !one.is_ok() || one.was_completed != Some(true));
        assert!(bad.is_empty(), "{bad:#?}");
    }

    fn add(&self, recorded: Recorded) -> u64 {
        let mut kept = lock(&self.0);
        if kept.all.len() == Self::MAX {
            kept.all.pop_front();
            kept.first += 1;
        }
        kept.all.push_back(recorded);
        kept.first + kept.all.len() as u64 - 1
    }

    /// Changes one that was added, if it is still kept.
    fn change(&self, number: u64, change: impl FnOnce(&mut Recorded)) {
        let mut kept = lock(&self.0);
        let place = number.checked_sub(kept.first).and_then(|place| usize::try_from(place).ok());
        if let Some(recorded) = place.and_then(|place| kept.all.get_mut(place)) {
            change(recorded);
        }
    }
}

impl Layer for Record {
    async fn outbound(&self, call: OutboundCall, next: Next<'_>) -> Outcome {
        let number = self.add(Recorded {
            kind: RecordedKind::Sent(call.kind()),
            service: call.service().clone(),
            subject: call.subject().clone(),
            headers: call.headers().clone(),
            body: call.body().as_bytes().map(Bytes::copy_from_slice),
            result: None,
            executed: None,
            was_completed: None,
        });
        let mut outcome = next.run(call).await;
        let (result, executed) = match outcome.error() {
            None => (Ok(()), None),
            Some(error) => (Err(error.kind()), Some(error.executed())),
        };
        self.change(number, |recorded| {
            recorded.result = Some(result);
            recorded.executed = executed;
        });
        let record = self.clone();
        outcome.on_end(move |end| {
            let is_complete = matches!(end, End::Complete);
            record.change(number, |recorded| {
                recorded.was_completed = Some(is_complete);
                if let (End::Failed(error), Some(Ok(()))) = (end, recorded.result) {
                    recorded.result = Some(Err(error.kind()));
                    recorded.executed = Some(error.executed());
                }
            });
        });
        outcome
    }

    async fn inbound(&self, call: InboundCall, next: InboundNext<'_>) -> InboundOutcome {
        let incoming = call.incoming();
        let number = self.add(Recorded {
            kind: RecordedKind::Handled,
            service: incoming.source().service.clone(),
            subject: incoming.subject().clone(),
            headers: incoming.headers().clone(),
            body: None,
            result: None,
            executed: None,
            was_completed: None,
        });
        let outcome = next.run(call).await;
        let result = match (outcome.is_ok(), outcome.refusal(), outcome.panic()) {
            (true, ..) => Ok(()),
            (_, Some(refusal), _) if refusal.is_busy() => Err(ErrorKind::Overloaded),
            (_, Some(_), _) => Err(ErrorKind::Refused),
            (.., Some(_)) => Err(ErrorKind::HandlerPanicked),
            _ => Err(ErrorKind::HandlerFailed),
        };
        self.change(number, |recorded| {
            recorded.result = Some(result);
            recorded.was_completed = Some(true);
        });
        outcome
    }
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record").field("len", &lock(&self.0).all.len()).finish_non_exhaustive()
    }
}
