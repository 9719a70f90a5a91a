//! Handing on what comes on a subscription.

use std::{
    pin::Pin,
    sync::{Arc, TryLockError},
    task::{Context, Poll},
    time::Duration,
};

use futures_core::Stream;
use futures_lite::future;

use super::{
    members::Members,
    route::Route,
    watch::{Duty, Reader},
};
use crate::{
    driver::{Arrival, Mailbox, Shared, ground::lock},
    proto::frame::Known,
    transport::{DynSubscription, Packet},
};

/// A subscription in force.
pub(super) struct Listening {
    pub(super) subscription: Box<dyn DynSubscription>,
    known: Known,
    members: Members,
}

/// What a reader has found.
pub(super) enum Read {
    Message(Arrival),
    /// What its binding has got, or was for others. It is worth to look again.
    Others,
    /// The reader is woken when it is worth to look again.
    Nothing,
}

/// What became of a turn of polling.
#[derive(PartialEq, Eq)]
enum Turn {
    /// There may be more.
    Over,
    /// There is no more now.
    Empty,
    /// There will be no more.
    Ended,
}

impl Listening {
    pub(super) fn new(subscription: Box<dyn DynSubscription>) -> Self {
        Self { subscription, known: Known::new(), members: Members::default() }
    }

    /// Hands on what has come, so many packets at most.
    fn turn(
        &mut self,
        shared: &Arc<Shared>,
        route: &Route,
        cx: &mut Context<'_>,
        most: usize,
    ) -> Turn {
        for _ in 0..most {
            match Pin::new(&mut self.subscription).poll_next(cx) {
                Poll::Pending => return Turn::Empty,
                Poll::Ready(None) => return Turn::Ended,
                Poll::Ready(Some(Packet::Undelivered(_))) => {}
                Poll::Ready(Some(Packet::Data(packet))) => {
                    shared.handle_subject(route, packet, &mut self.known, &mut self.members);
                    if self.members.has_read() {
                        break;
                    }
                }
            }
        }
        Turn::Over
    }

    /// Hands on what comes, until the subscription ends. It never waits for a handler.
    pub(super) async fn run(&mut self, shared: &Arc<Shared>, route: &Route) {
        loop {
            // Nobody may be bound any more: then all that comes is handed on.
            shared.room_to_hand_on().await;
            let turn = std::future::poll_fn(|cx| match self.turn(shared, route, cx, TURN) {
                Turn::Empty => Poll::Pending,
                turn => Poll::Ready(turn),
            });
            if turn.await == Turn::Ended {
                return;
            }
            future::yield_now().await;
        }
    }
}

/// Packets that are handed on before others get their turn.
const TURN: usize = 128;
/// Between two looks after a reader. What lies unread came in twice this time.
const PATIENCE: Duration = Duration::from_millis(10);

impl Shared {
    /// Hands on what comes while no reader does it, until the subscription ends.
    pub(super) async fn listen_for_readers(self: &Arc<Self>, route: &Route) {
        route.watch.drain();
        loop {
            match route.watch.duty().await {
                Duty::Guard => self.guard(route).await,
                Duty::Drain if self.pass(route).await == Turn::Ended => return,
                Duty::Drain => {}
            }
        }
    }

    /// Hands on all that has come: what does not fit its binding is dropped or refused. Others get
    /// their turn in between, also while more comes.
    async fn pass(self: &Arc<Self>, route: &Route) -> Turn {
        loop {
            route.watch.drained_by_task();
            let turn = match &mut *lock(&route.listening) {
                None => Turn::Ended,
                Some(listening) => {
                    let mut cx = Context::from_waker(&route.waker);
                    listening.turn(self, route, &mut cx, TURN)
                }
            };
            match turn {
                Turn::Ended => return turn,
                // A client that has more may say so only to let others run.
                Turn::Empty if !route.watch.is_wanted() => return turn,
                Turn::Empty | Turn::Over => future::yield_now().await,
            }
        }
    }

    /// Looks after a reader that was woken, until it waits again or has fallen behind.
    async fn guard(&self, route: &Route) {
        loop {
            match route.watch.look() {
                Reader::Waiting => return,
                Reader::Behind => return route.watch.drain(),
                Reader::Busy => {}
            }
            let patience = self.pause_until(self.now() + PATIENCE);
            future::or(patience, route.watch.drain_wanted()).await;
            if route.watch.is_wanted() {
                return;
            }
        }
    }
}

impl Route {
    /// Drops the subscription, if it is there.
    pub(super) fn end(&self) {
        let listening = lock(&self.listening).take();
        drop(listening);
        self.left();
    }

    /// Hands on what has come, for a reader that found nothing in its binding, and room for so much.
    pub(super) fn read(
        &self,
        shared: &Arc<Shared>,
        mailbox: &Mailbox,
        room: usize,
        cx: &Context<'_>,
    ) -> Read {
        const BATCH: usize = 6;
        // While the task hands on, it wakes the reader.
        let mut listening = match self.listening.try_lock() {
            Ok(listening) => listening,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return Read::Nothing,
        };
        let Some(listening) = &mut *listening else {
            return Read::Nothing;
        };
        if !listening.members.is_only(mailbox) {
            listening.members.look_up(shared, self);
            if !listening.members.is_only(mailbox) {
                self.watch.hand_back();
                return Read::Nothing;
            }
        }
        self.watch.begin_read();
        let mut own = Context::from_waker(&self.waker);
        listening.members.begin_read(mailbox.id());
        let turn = listening.turn(shared, self, &mut own, room.min(BATCH));
        let read = listening.members.read();
        match turn {
            Turn::Empty => self.watch.read_to_end(cx.waker()),
            Turn::Ended => self.watch.drain(),
            Turn::Over => self.watch.unread(),
        }
        match read {
            Some(arrival) => Read::Message(arrival),
            None if turn == Turn::Over && room > 0 => Read::Others,
            None => Read::Nothing,
        }
    }
}
