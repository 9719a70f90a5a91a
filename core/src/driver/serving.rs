//! Requests that are being answered here.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, Weak,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Instant,
};

use bytes::Bytes;
use event_listener::Event;
use futures_lite::future;

use super::{Logged, Seen, Shared, shared::lock, tombs::Tombs};
use crate::{
    MessageId,
    error::Causes,
    proto::{
        Detail, Reason, ReasonCode, SIGNS_OF_LIFE,
        frame::{Frame, Request, Source},
    },
    transport::{Address, Target},
};

#[derive(Default)]
pub(super) struct Serving {
    table: Mutex<Table>,
    /// There is a request after there was none.
    pub(super) busy: Event,
}

#[derive(Default)]
struct Table {
    /// More than one where several bindings of this conduit got the same request.
    running: BTreeMap<MessageId, Vec<Weak<Replier>>>,
    /// Requests that were cancelled before they came: the two travel by different ways.
    cancelled: Tombs<MessageId, ()>,
}

/// The duty to answer one request: whoever drops the last of it unanswered has the asker told.
pub(crate) struct Replier {
    shared: Arc<Shared>,
    pub(crate) request: Request,
    pub(crate) asker: Source,
    target: Target,
    /// The asker does not need the answer any more.
    cancelled: AtomicBool,
    cancellation: Event,
    answered: AtomicBool,
    /// A handler has it.
    started: AtomicBool,
    /// The function of the handler was called with it.
    begun: AtomicBool,
    pub(super) arrived: Instant,
    /// It may be said to be here: of an offer, only the sender's confirmation decides that.
    is_here: AtomicBool,
    /// The broker says of the last sign of life that nobody got it, and how many in a row nobody got
    /// before it.
    is_unheard: AtomicBool,
    unheard: AtomicU32,
}

impl Replier {
    pub(super) fn new(
        shared: &Arc<Shared>,
        request: Request,
        asker: Source,
        target: Target,
        is_whole: bool,
    ) -> Arc<Self> {
        let now = shared.now();
        let replier = Arc::new(Self {
            shared: Arc::clone(shared),
            request,
            asker,
            target,
            cancelled: AtomicBool::new(false),
            cancellation: Event::new(),
            answered: AtomicBool::new(false),
            started: AtomicBool::new(false),
            begun: AtomicBool::new(false),
            arrived: now,
            is_here: AtomicBool::new(is_whole),
            is_unheard: AtomicBool::new(false),
            unheard: AtomicU32::new(0),
        });
        let mut table = lock(&shared.serving.table);
        if table.cancelled.get(now, &request.message).is_some() {
            replier.cancel();
        }
        let first = table.running.is_empty();
        let same = table.running.entry(request.message).or_default();
        same.push(Arc::downgrade(&replier));
        drop(table);
        if first {
            shared.serving.busy.notify(usize::MAX);
        }
        replier
    }

    /// A handler has the request from now on.
    pub(crate) fn start(&self) {
        self.started.store(true, Ordering::SeqCst);
        self.is_here.store(true, Ordering::SeqCst);
    }

    /// The function of its handler is called now: from here on it was executed.
    pub(crate) fn begin(&self) {
        self.begun.store(true, Ordering::Release);
    }

    /// Harmless once it is being answered: the asker then takes the answer or stops it.
    fn cancel(&self) {
        if self.answered.load(Ordering::SeqCst) {
            return;
        }
        self.cancelled.store(true, Ordering::SeqCst);
        self.cancellation.notify(usize::MAX);
    }

    /// A sign of life is due. Once nobody was there to get one for as long as the idle limit, the asker
    /// is gone for good; one that has lost its connection may be back before.
    fn look_for_asker(&self) {
        if !self.is_unheard.swap(false, Ordering::Relaxed) {
            return self.unheard.store(0, Ordering::Relaxed);
        }
        if self.unheard.fetch_add(1, Ordering::Relaxed) + 1 >= SIGNS_OF_LIFE {
            self.cancel();
        }
    }

    /// Whether the asker does not need the answer any more.
    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::SeqCst)
    }

    /// Waits for the cancellation.
    async fn cancelled(&self) {
        loop {
            let listener = self.cancellation.listen();
            if self.is_cancelled() {
                return;
            }
            listener.await;
        }
    }

    /// Waits until nobody needs the answer any more.
    pub(crate) async fn needless(&self, deadline: Option<Instant>) {
        future::or(self.cancelled(), self.shared.passed(deadline)).await;
    }

    /// Takes the right to answer. Only the first gets it.
    pub(crate) fn claim(&self) -> bool {
        !self.answered.swap(true, Ordering::SeqCst)
    }

    /// Answers with a failure, if nobody has answered.
    pub(crate) fn fail(&self, reason: Reason, detail: Detail) {
        if self.claim() {
            self.post_failure(reason, detail);
        }
    }

    /// Says that the answer that was begun will not come.
    pub(crate) fn post_failure(&self, reason: Reason, detail: Detail) {
        let failure = self.failure(reason, detail);
        self.shared.post(Shared::inbox_of(&self.asker), &failure);
    }

    /// Refuses the request, if nobody has answered. Returns what tells the asker so.
    pub(super) fn refusal(&self, code: ReasonCode) -> Option<(Address, Bytes)> {
        let failure = || self.failure(code.into(), Detail::default()).encode();
        self.claim().then(|| (Shared::inbox_of(&self.asker), failure()))
    }

    fn failure(&self, reason: Reason, detail: Detail) -> Frame {
        Frame::Failure {
            message: self.request.message,
            instance: self.shared.source.instance,
            target: self.target,
            started: self.begun.load(Ordering::Acquire),
            reason: self.shared.config.told(reason),
            detail,
        }
    }
}

impl Drop for Replier {
    fn drop(&mut self) {
        let code = if self.is_cancelled() {
            ReasonCode::Cancelled
        } else if self.started.load(Ordering::SeqCst) {
            ReasonCode::NoReply
        } else {
            ReasonCode::Draining
        };
        self.fail(code.into(), Detail::default());
        let mut table = lock(&self.shared.serving.table);
        if let Some(same) = table.running.get_mut(&self.request.message) {
            same.retain(|replier| !std::ptr::eq(replier.as_ptr(), self));
            if same.is_empty() {
                table.running.remove(&self.request.message);
            }
        }
        drop(table);
        self.shared.ended.notify(usize::MAX);
    }
}

impl Shared {
    /// The asker of a request does not need the answer any more.
    pub(super) fn handle_cancel(&self, message: MessageId) {
        let now = self.now();
        let mut table = lock(&self.serving.table);
        let same = table.running.get(&message).cloned();
        if same.is_none() {
            table.cancelled.insert(now, now + self.config.idle_limit, message, ());
            self.untidy.set();
        }
        drop(table);
        let same = same.into_iter().flatten();
        same.filter_map(|replier| replier.upgrade()).for_each(|replier| replier.cancel());
    }

    /// Nobody got a sign of life of a request.
    pub(super) fn handle_absent_asker(&self, message: MessageId) {
        let same = lock(&self.serving.table).running.get(&message).cloned();
        for replier in same.into_iter().flatten().filter_map(|replier| replier.upgrade()) {
            replier.is_unheard.store(true, Ordering::Relaxed);
        }
    }

    /// Tells everybody who waits for an answer from here that there will be none.
    pub(super) fn end_serving(&self) {
        let running: Vec<_> =
            lock(&self.serving.table).running.values().flatten().cloned().collect();
        for replier in running.iter().filter_map(Weak::upgrade) {
            // Also where a reply was begun, since it may not get out any more. Of two answers the
            // asker takes the first.
            replier.claim();
            replier.post_failure(ReasonCode::Closed.into(), Detail::default());
        }
    }

    pub(super) fn newest_cancellation(&self) -> Option<Instant> {
        lock(&self.serving.table).cancelled.newest()
    }

    pub(super) fn expire_cancellations(&self, now: Instant) {
        lock(&self.serving.table).cancelled.expire(now);
    }

    /// Says of each request that stays for long that it is here and alive.
    pub(super) async fn keep_alive(self: Arc<Self>) {
        let pause = self.config.idle_limit / SIGNS_OF_LIFE;
        loop {
            let busy = self.serving.busy.listen();
            if self.serving() == 0 {
                busy.await;
            }
            self.pause_until(self.now() + pause).await;
            // Most are answered before anybody could wonder.
            let before = self.now().checked_sub(pause / 2);
            for (to, message, alive) in self.signs_of_life(before) {
                let mut alive = Some(alive.encode());
                let undelivered = Some((&self.inbox, self.sign_of_life(message)));
                if let Err(error) = self.transport.publish(&to, &mut alive, undelivered).await {
                    let error = format_args!("{to:?}: {}", Causes(&error));
                    self.log(Logged::NotSent, Seen::error(&error));
                }
            }
        }
    }

    fn signs_of_life(&self, arrived_before: Option<Instant>) -> Vec<(Address, MessageId, Frame)> {
        let table = lock(&self.serving.table);
        let running: Vec<_> = table.running.values().flatten().filter_map(Weak::upgrade).collect();
        // Dropping the last of one locks the table.
        drop(table);
        let is_due = |replier: &&Arc<Replier>| {
            replier.is_here.load(Ordering::SeqCst) && Some(replier.arrived) <= arrived_before
        };
        let sign = |replier: &Arc<Replier>| {
            let (message, target) = (replier.request.message, replier.target);
            let alive = Frame::Alive { message, instance: self.source.instance, target };
            replier.look_for_asker();
            (Self::inbox_of(&replier.asker), message, alive)
        };
        running.iter().filter(is_due).map(sign).collect()
    }

    /// How many requests are being answered.
    pub(crate) fn serving(&self) -> usize {
        lock(&self.serving.table).running.len()
    }
}
