//! The requests that this conduit is answering.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, Weak},
    time::Instant,
};

use bytes::Bytes;
use event_listener::Event;
use futures_lite::future;

use super::{expiring::Expiring, ground::Ground};
use crate::{
    MessageId, Source,
    lock::lock,
    proto::{
        Answerer, Detail, Reason, ReasonCode, SIGNS_OF_LIFE,
        frame::{Frame, Request},
    },
    transport::{Address, Target},
    until::until,
};

pub(crate) struct Serving {
    ground: Arc<Ground>,
    table: Mutex<ServingTable>,
    /// Notified when a request is added to an empty table.
    pub(super) busy: Event,
}

#[derive(Default)]
struct ServingTable {
    /// More than one if several bindings of this conduit received the same request.
    running: BTreeMap<MessageId, Vec<Weak<Replier>>>,
    /// Requests that were cancelled before they arrived: a Cancel goes to another address.
    cancelled: Expiring<MessageId, ()>,
}

/// The duty to answer one request. If its last reference is dropped unanswered, the asker is told.
pub(crate) struct Replier {
    serving: Arc<Serving>,
    pub(crate) request: Request,
    pub(crate) asker: Source,
    pub(super) arrived: Instant,
    machine: Mutex<Answerer>,
    cancellation: Event,
}

impl Replier {
    pub(super) fn new(
        serving: &Arc<Serving>,
        now: Instant,
        request: Request,
        asker: Source,
        target: Target,
        is_whole: bool,
    ) -> Arc<Self> {
        let message = request.message;
        let (instance, idle) = (serving.ground.source.instance, serving.ground.config.idle_limit);
        let machine = if is_whole { Answerer::whole } else { Answerer::streamed };
        let mut machine = machine(now, message, instance, target, idle);
        let mut table = lock(&serving.table);
        if table.cancelled.get(now, &message).is_some() {
            machine.handle_cancel();
        }
        let replier = Arc::new(Self {
            serving: Arc::clone(serving),
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
            serving.busy.notify(usize::MAX);
        }
        replier
    }

    /// Notes that a handler has taken the request.
    pub(crate) fn start(&self) {
        lock(&self.machine).start();
    }

    /// Notes that the function of its handler is called: from now on it counts as executed.
    pub(crate) fn begin(&self) {
        lock(&self.machine).begin();
    }

    fn cancel(&self) {
        lock(&self.machine).handle_cancel();
        self.cancellation.notify(usize::MAX);
    }

    /// Returns whether the asker no longer needs the answer.
    pub(crate) fn is_cancelled(&self) -> bool {
        lock(&self.machine).is_cancelled()
    }

    /// Waits until the request is cancelled.
    async fn cancelled(&self) {
        until(&self.cancellation, || self.is_cancelled()).await;
    }

    /// Waits until the answer is no longer needed: the request is cancelled, or its deadline has
    /// passed.
    pub(crate) async fn needless(&self, deadline: Option<Instant>) {
        future::or(self.cancelled(), self.serving.ground.passed(deadline)).await;
    }

    /// Claims the right to answer. Returns whether it was unclaimed.
    pub(crate) fn claim(&self) -> bool {
        lock(&self.machine).reply()
    }

    /// Answers with a failure, unless it is answered.
    pub(crate) fn fail(&self, reason: Reason, detail: Detail) {
        let reason = self.serving.ground.config.told(reason);
        self.speak(|machine| machine.fail(reason, detail));
    }

    /// Tells the asker that a reply which was begun will not arrive.
    pub(crate) fn post_failure(&self, reason: Reason, detail: Detail) {
        let reason = self.serving.ground.config.told(reason);
        self.speak(|machine| machine.break_off(reason, detail));
    }

    /// Refuses the request, unless it is answered. Returns the packet for the asker, and its inbox.
    pub(super) fn refusal(&self, code: ReasonCode) -> Option<(Address, Bytes)> {
        let reason = self.serving.ground.config.told(code.into());
        let mut machine = lock(&self.machine);
        machine.fail(reason, Detail::default());
        Some((self.asker.inbox(), machine.poll_transmit()?.encode()))
    }

    /// Changes the machine, and sends its next frame to the asker.
    fn speak(&self, change: impl FnOnce(&mut Answerer)) {
        let mut machine = lock(&self.machine);
        change(&mut machine);
        let said = machine.poll_transmit();
        drop(machine);
        if let Some(frame) = said {
            self.serving.ground.post(self.asker.inbox(), &frame);
        }
    }

    /// Returns the sign of life that is due, if any.
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
        let mut table = lock(&self.serving.table);
        if let Some(same) = table.running.get_mut(&self.request.message) {
            same.retain(|replier| !std::ptr::eq(replier.as_ptr(), self));
            if same.is_empty() {
                table.running.remove(&self.request.message);
            }
        }
        drop(table);
        self.serving.ground.ended.notify(usize::MAX);
    }
}

impl Serving {
    pub(super) fn new(ground: Arc<Ground>) -> Self {
        Self { ground, table: Mutex::default(), busy: Event::new() }
    }

    /// Handles a Cancel: the asker no longer needs the answer.
    pub(super) fn handle_cancel(&self, message: MessageId) {
        let now = self.ground.now();
        let mut table = lock(&self.table);
        let same = table.running.get(&message).cloned();
        if same.is_none() {
            table.cancelled.insert(now, now + self.ground.config.idle_limit, message, ());
            self.ground.cleanup_flag.set();
        }
        drop(table);
        let same = same.into_iter().flatten();
        same.filter_map(|replier| replier.upgrade()).for_each(|replier| replier.cancel());
    }

    /// Handles a notice that a sign of life had no subscriber.
    pub(super) fn handle_absent_asker(&self, message: MessageId) {
        let same = lock(&self.table).running.get(&message).cloned();
        for replier in same.into_iter().flatten().filter_map(|replier| replier.upgrade()) {
            lock(&replier.machine).handle_undelivered();
        }
    }

    /// Tells all askers that wait for an answer that it will not arrive.
    pub(super) fn end(&self) {
        let running: Vec<_> = lock(&self.table).running.values().flatten().cloned().collect();
        for replier in running.iter().filter_map(Weak::upgrade) {
            // Even if a reply was begun, since it may not be sent any more. Of two answers, the
            // asker accepts the first.
            replier.post_failure(ReasonCode::Closed.into(), Detail::default());
        }
    }

    /// Returns when the last entry of a cancelled request expires, if there is one.
    pub(super) fn last_expiry(&self) -> Option<Instant> {
        lock(&self.table).cancelled.last_expiry()
    }

    /// Removes the expired entries of cancelled requests.
    pub(super) fn remove_expired(&self, now: Instant) {
        lock(&self.table).cancelled.expire(now);
    }

    /// Sends signs of life for each request that takes long.
    pub(super) async fn keep_alive(&self) {
        let pause = self.ground.config.idle_limit / SIGNS_OF_LIFE;
        loop {
            let busy = self.busy.listen();
            if self.len() == 0 {
                busy.await;
            }
            self.ground.pause_until(self.ground.now() + pause).await;
            for (to, message, alive) in self.signs_of_life(self.ground.now()) {
                let mut alive = Some(alive.encode());
                let undelivered = Some((&self.ground.inbox, self.ground.sign_of_life(message)));
                if let Err(error) =
                    self.ground.transport.publish(&to, &mut alive, undelivered).await
                {
                    self.ground.note_not_sent(&to, &error);
                }
            }
        }
    }

    fn signs_of_life(&self, now: Instant) -> Vec<(Address, MessageId, Frame)> {
        let table = lock(&self.table);
        let running: Vec<_> = table.running.values().flatten().filter_map(Weak::upgrade).collect();
        // Dropping the last reference to a replier locks the table.
        drop(table);
        let sign = |replier: &Arc<Replier>| {
            let alive = replier.sign_of_life(now)?;
            Some((replier.asker.inbox(), replier.request.message, alive))
        };
        running.iter().filter_map(sign).collect()
    }

    /// Returns how many requests are being answered.
    pub(crate) fn len(&self) -> usize {
        lock(&self.table).running.len()
    }
}
