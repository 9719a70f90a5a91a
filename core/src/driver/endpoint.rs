//! Where messages go.

mod group;

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicU64, Ordering},
};

use self::group::GroupAbsence;
pub(super) use self::group::{GroupProbes, MayCollect};
use super::{outlet::Outlet, tally::Tally};
use crate::{
    Error, ServiceName, Subject,
    proto::{
        COUNTER_BITS,
        frame::{ContentType, EncodedHead, HeadRef},
    },
    transport::{Address, Targets},
};

/// A subject of a service: the destination of its plain bindings and its group, and what is
/// remembered of it from message to message.
pub(crate) struct Endpoint {
    service: ServiceName,
    subject: Subject,
    /// The destination of all its bindings.
    both: Arc<Outlet>,
    /// The number of the next message.
    next: AtomicU64,
    /// The head of the first message without headers, which most others have too.
    head: OnceLock<(Option<ContentType>, EncodedHead)>,
    /// What is known of its group.
    pub(super) group: GroupAbsence,
    tally: Arc<Tally>,
    /// Until when requests are published to plain bindings and to the group separately, in
    /// milliseconds since the conduit was created.
    apart_until: AtomicU64,
}

impl Endpoint {
    /// Creates an endpoint whose messages are numbered from the start of a numbering, which is the
    /// upper half of each number.
    pub(super) fn new(
        service: ServiceName,
        subject: Subject,
        numbering: u64,
        tally: Arc<Tally>,
    ) -> Self {
        let both = Outlet::new(address(&service, &subject, Targets::Both));
        Self {
            service,
            subject,
            both: Arc::new(both),
            next: AtomicU64::new(numbering << COUNTER_BITS),
            head: OnceLock::new(),
            group: GroupAbsence::default(),
            tally,
            apart_until: AtomicU64::new(0),
        }
    }

    pub(crate) fn service(&self) -> &ServiceName {
        &self.service
    }

    pub(crate) fn subject(&self) -> &Subject {
        &self.subject
    }

    /// Returns the address of some of its bindings.
    pub(super) fn address(&self, targets: Targets) -> Address {
        address(&self.service, &self.subject, targets)
    }

    /// Returns the destination of all its bindings.
    pub(crate) fn both(&self) -> &Arc<Outlet> {
        &self.both
    }

    /// Takes the number of the next message, which is counted as sent.
    pub(crate) fn number(&self) -> u64 {
        self.tally.send();
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    /// Returns the encoded head of a one-way message, if it is that of the first without headers.
    pub(crate) fn usual_head(&self, head: HeadRef<'_>) -> Option<&EncodedHead> {
        if !head.headers.is_empty() {
            return None;
        }
        let encode = || (head.content_type.cloned(), EncodedHead::new(head));
        let (content_type, encoded) = self.head.get_or_init(encode);
        (content_type.as_ref() == head.content_type).then_some(encoded)
    }

    /// Returns the numbering of the next message.
    pub(super) fn numbering(&self) -> u64 {
        self.next.load(Ordering::Relaxed) >> COUNTER_BITS
    }

    /// Returns the targets of a request, packet by packet. Only a separate packet tells by its
    /// notice whether there are plain bindings, which matters if the group refuses the request. `now`
    /// is in milliseconds since the conduit was created.
    pub(crate) fn lanes(&self, now: u64) -> &'static [Targets] {
        match now < self.apart_until.load(Ordering::Relaxed) {
            true => &[Targets::Plain, Targets::Group],
            false => &[Targets::Both],
        }
    }

    /// Notes that the group has not executed a request, and may refuse further ones.
    pub(super) fn note_not_executed(&self, now: u64) {
        /// How long that is remembered, in milliseconds.
        const LATELY: u64 = 60_000;
        self.apart_until.store(now + LATELY, Ordering::Relaxed);
    }

    /// Adds to an error of a send or a request what it is about, and counts it.
    pub(crate) fn about(&self, error: Error) -> Error {
        if !error.is_about_subject() {
            self.tally.fail(error.kind());
        }
        error.about(&self.service, &self.subject)
    }
}

fn address(service: &ServiceName, subject: &Subject, targets: Targets) -> Address {
    Address::Subject { service: service.clone(), subject: subject.clone(), targets }
}
