//! Requests that are being answered here.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, Weak},
    time::Instant,
};

use bytes::Bytes;
use event_listener::Event;
use futures_lite::future;

use super::{Logged, Seen, Shared, ground::lock, tombs::Tombs};
use crate::{
    MessageId,
    error::Causes,
    proto::{
        Answerer, Detail, Reason, ReasonCode, SIGNS_OF_LIFE,
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

/// The duty to answer one request: if the last of it is dropped unanswered, the asker is told.
pub(crate) struct Replier {
    shared: Arc<Shared>,
    pub(crate) request: Request,
    pub(crate) asker: Source,
    pub(super) arrived: Instant,
    machine: Mutex<Answerer>,
    cancellation: Event,
}

impl Replier {
    pub(super) fn new(
        shared: &Arc<Shared>,
        request: Request,
        asker: Source,
        target: Target,
        is_whole: bool,
    ) -> Arc<Self> {
        let (now, message) = (shared.now(), request.message);
        let (instance, idle) = (shared.source.instance, shared.config.idle_limit);
        let machine = if is_whole { Answerer::whole } else { Answerer::streamed };
        let mut machine = machine(now, message, instance, target, idle);
        let mut table = lock(&shared.serving.table);
        if table.cancelled.get(now, &message).is_some() {
            machine.handle_cancel();
        }
        let replier = Arc::new(Self {
            shared: Arc::clone(shared),
            request,
            asker,
            arrived: now,
            machine: Mutex::new(machine),
            cancellation: Event::new(),
        });
        let first = table.running.is_empty();
        table.running.entry(message).or_default().push(Arc::downgrade(&replier));
        drop(table);
        if first {
            shared.serving.busy.notify(usize::MAX);
        }
        replier
    }

    /// A handler has the request from now on.
    pub(crate) fn start(&self) {
        lock(&self.machine).start();
    }

    /// The function of its handler is called now: from here on it was executed.
    pub(crate) fn begin(&self) {
        lock(&self.machine).begin();
    }

    fn cancel(&self) {
        lock(&self.machine).handle_cancel();
        self.cancellation.notify(usize::MAX);
    }

    /// Whether the asker does not need the answer any more.
    pub(crate) fn is_cancelled(&self) -> bool {
        lock(&self.machine).is_cancelled()
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
        lock(&self.machine).reply()
    }

    /// Answers with a failure, if nobody has answered.
    pub(crate) fn fail(&self, reason: Reason, detail: Detail) {
        let reason = self.shared.config.told(reason);
        self.speak(|machine| machine.fail(reason, detail));
    }

    /// Says that the answer that was begun will not come.
    pub(crate) fn post_failure(&self, reason: Reason, detail: Detail) {
        let reason = self.shared.config.told(reason);
        self.speak(|machine| machine.break_off(reason, detail));
    }

    /// Refuses the request, if nobody has answered. Returns what tells the asker so.
    pub(super) fn refusal(&self, code: ReasonCode) -> Option<(Address, Bytes)> {
        let reason = self.shared.config.told(code.into());
        let mut machine = lock(&self.machine);
        machine.fail(reason, Detail::default());
        Some((self.asker.inbox(), machine.poll_transmit()?.encode()))
    }

    /// Tells the asker what the machine has to say after a change.
    fn speak(&self, change: impl FnOnce(&mut Answerer)) {
        let mut machine = lock(&self.machine);
        change(&mut machine);
        let said = machine.poll_transmit();
        drop(machine);
        if let Some(frame) = said {
            self.shared.post(self.asker.inbox(), &frame);
        }
    }

    /// The sign of life that is due, if one is.
    fn sign_of_life(&self, now: Instant) -> Option<Frame> {
        let mut machine = lock(&self.machine);
        machine.handle_timeout(now);
        let (sign, is_cancelled) = (machine.poll_transmit(), machine.is_cancelled());
        drop(machine);
        if is_cancelled {
            self.cancellation.notify(usize::MAX);
        }
        sign
    }
}

impl Drop for Replier {
    fn drop(&mut self) {
        self.speak(Answerer::give_up);
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
            lock(&replier.machine).handle_undelivered();
        }
    }

    /// Tells everybody who waits for an answer from here that there will be none.
    pub(super) fn end_serving(&self) {
        let running: Vec<_> =
            lock(&self.serving.table).running.values().flatten().cloned().collect();
        for replier in running.iter().filter_map(Weak::upgrade) {
            // Also where a reply was begun, since it may not get out any more. Of two answers the
            // asker takes the first.
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
            for (to, message, alive) in self.signs_of_life(self.now()) {
                let mut alive = Some(alive.encode());
                let undelivered = Some((&self.inbox, self.sign_of_life(message)));
                if let Err(error) = self.transport.publish(&to, &mut alive, undelivered).await {
                    let error = format_args!("{to:?}: {}", Causes(&error));
                    self.log(Logged::NotSent, Seen::error(&error));
                }
            }
        }
    }

    fn signs_of_life(&self, now: Instant) -> Vec<(Address, MessageId, Frame)> {
        let table = lock(&self.serving.table);
        let running: Vec<_> = table.running.values().flatten().filter_map(Weak::upgrade).collect();
        // Dropping the last of one locks the table.
        drop(table);
        let sign = |replier: &Arc<Replier>| {
            let alive = replier.sign_of_life(now)?;
            Some((replier.asker.inbox(), replier.request.message, alive))
        };
        running.iter().filter_map(sign).collect()
    }

    /// How many requests are being answered.
    pub(crate) fn serving(&self) -> usize {
        lock(&self.serving.table).running.len()
    }
}
