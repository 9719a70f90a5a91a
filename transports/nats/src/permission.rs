//! Whether the server permits what was just done. It doesn't say, unless it doesn't: then an error
//! that names the subject comes before the mark of a round trip.
//!
//! async-nats gives errors to a task of their own, which may run later than who waits for the mark. So
//! the bytes that came with the mark are counted: on a connection on which nothing else happens they
//! say at once that there was no error. Elsewhere that task is given some time: long where users have
//! to say who they are, so that they may have permissions; otherwise that of a second round trip.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use async_compat::Compat;
use async_nats::Subject;
use conduit::transport::{Address, Destination, TransportError, TransportErrorKind};
use futures_lite::future;

use crate::{
    link::Link,
    monitor::Monitor,
    received::Received,
    subject::{self, Root},
    violation::Violation,
};

/// How long an error may take from async-nats to us, where something has come that may be one.
const LATE: Duration = Duration::from_millis(50);

/// Whether something is permitted. It is asked before it is done, and answered after.
pub(crate) struct Question<'a> {
    link: &'a Link,
    monitor: &'a Monitor,
    /// What the server says if it does not permit it.
    violation: Violation,
    /// How many violations there were before, and how much was received.
    violations: u64,
    received: Received,
    generation: u64,
}

/// What is known of a destination.
struct Known {
    subject: Subject,
    /// How often permissions had changed when a publish to it was last known to be permitted.
    permitted: AtomicU64,
}

impl Known {
    const NEVER: u64 = u64::MAX;

    fn new(root: &Root, address: &Address) -> Self {
        Self { subject: root.publish(address).into(), permitted: AtomicU64::new(Self::NEVER) }
    }
}

impl Link {
    /// `None` where the answer is known, and where there can be none: on a client that was handed
    /// in, or without a mark of our own. Whoever sends us packets chooses the inboxes that we
    /// answer to, so of these few are asked for.
    pub(crate) fn may_publish(&self, to: &Address, subject: &str) -> Option<Question<'_>> {
        let monitor = self.monitor.as_ref().filter(|_| self.has_marks())?;
        let generation = is_unknown(monitor, subject)?;
        if matches!(to, Address::Inbox { .. }) && !monitor.places.may_ask_for_inbox(Instant::now())
        {
            return None;
        }
        Some(Question::new(self, monitor, Violation::Publish(subject.to_owned()), generation))
    }

    /// The subject of an address, if there is nothing to ask about a publish to it.
    pub(crate) fn permitted(&self, to: &Destination) -> Option<Subject> {
        let Known { subject, permitted } =
            to.remember(|address| Known::new(&self.root, address))?;
        let monitor = self.monitor.as_ref();
        let changes = monitor.map_or(0, |monitor| monitor.places.changes());
        if permitted.load(Ordering::Relaxed) == changes {
            return Some(subject.clone());
        }
        match monitor {
            Some(monitor) if !self.has_marks() || is_unknown(monitor, subject).is_some() => {
                let is_inbox = matches!(to.address(), Address::Inbox { .. });
                (is_inbox && !monitor.places.could_ask_for_inbox(Instant::now()))
                    .then(|| subject.clone())
            }
            _ => {
                permitted.store(changes, Ordering::Relaxed);
                Some(subject.clone())
            }
        }
    }

    /// `None` on a client that was handed in.
    pub(crate) fn may_subscribe(&self, subject: &str) -> Option<Question<'_>> {
        let monitor = self.monitor.as_ref()?;
        Some(Question::new(self, monitor, Violation::Subscribe(subject.to_owned()), 0))
    }
}

fn is_unknown(monitor: &Monitor, subject: &str) -> Option<u64> {
    monitor.places.is_unknown(subject::place(subject), subject)
}

impl<'a> Question<'a> {
    fn new(link: &'a Link, monitor: &'a Monitor, violation: Violation, generation: u64) -> Self {
        let violations = monitor.violations_so_far();
        let received = Received::by(&link.client);
        Self { link, monitor, violation, violations, received, generation }
    }

    /// Waits until the server has seen a publish. If the connection breaks meanwhile, nobody knows
    /// what became of it, and it is asked again the next time.
    ///
    /// # Errors
    /// `Denied` where it was not permitted.
    pub(crate) async fn published(&self) -> Result<(), TransportError> {
        match self.answer().await {
            Err(error) if error.kind() == TransportErrorKind::Disconnected => return Ok(()),
            answer => answer?,
        }
        let subject = self.violation.subject();
        self.monitor.places.permit(self.generation, subject::place(subject), subject);
        Ok(())
    }

    /// Waits until the server has seen a subscription, on whatever connection.
    ///
    /// # Errors
    /// `Denied` where it was not permitted.
    pub(crate) async fn subscribed(&self) -> Result<(), TransportError> {
        loop {
            self.link.connected().await?;
            match self.answer().await {
                Err(error) if error.kind() == TransportErrorKind::Disconnected => {}
                answer => return answer,
            }
        }
    }

    async fn answer(&self) -> Result<(), TransportError> {
        let Self { link, monitor, violation, violations, received, .. } = self;
        let mark = link.round_trip().await?;
        if !received.only_a_mark(&Received::by(&link.client), &mark) {
            let violated = async {
                monitor.violated(*violations, violation).await;
                Ok(())
            };
            future::or(violated, self.errors_are_heard()).await?;
        }
        link.check(*violations, violation)
    }
    /// Waits until an error that has come is known.
    async fn errors_are_heard(&self) -> Result<(), TransportError> {
        let Self { link, violations, .. } = self;
        if *violations > 0 || link.client.server_info().auth_required {
            Compat::new(async { tokio::time::sleep(LATE).await }).await;
            return Ok(());
        }
        link.round_trip().await.map(drop)
    }
}
