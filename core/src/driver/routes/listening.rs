//! Delivers the packets of a subscription.

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

/// An active subscription.
pub(super) struct Listening {
    pub(super) subscription: Box<dyn DynSubscription>,
    known: Known,
    members: Members,
}

/// The result of a reader's poll.
pub(super) enum Found {
    Message(Arrival),
    /// Packets that went to the queue of its binding, or to others. The reader should poll again.
    Others,
    /// Nothing that the reader can take now. It is woken when it should poll again.
    Nothing,
}

/// The result of a turn of polling.
#[derive(PartialEq, Eq)]
enum Turn {
    /// More packets may be ready.
    Over,
    /// No packet is ready.
    Empty,
    /// The subscription has ended.
    Ended,
}

impl Listening {
    pub(super) fn new(subscription: Box<dyn DynSubscription>) -> Self {
        Self { subscription, known: Known::new(), members: Members::default() }
    }

    /// Delivers the packets that are ready, `most` at most.
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

    /// Delivers packets until the subscription ends. Never waits for a handler.
    pub(super) async fn run(&mut self, shared: &Arc<Shared>, route: &Route) {
        loop {
            // If no binding is left, every message has to be handed on.
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

/// How many packets are delivered before other tasks run.
const TURN: usize = 128;
/// The time between two checks of a reader. At most the packets of twice this time are unread.
const PATIENCE: Duration = Duration::from_millis(10);

impl Shared {
    /// Delivers packets while no reader does so, until the subscription ends.
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

    /// Delivers all packets that are ready; messages that do not fit their binding are dropped or
    /// refused. Other tasks run in between, even while more packets arrive.
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
                // A client with more packets may return pending, with a wake, to let others run.
                Turn::Empty if !route.watch.is_wanted() => return turn,
                Turn::Empty | Turn::Over => future::yield_now().await,
            }
        }
    }

    /// Checks a reader that was woken, until it waits again or has fallen behind.
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
    /// Drops the subscription, if there is one.
    pub(super) fn end(&self) {
        let listening = lock(&self.listening).take();
        drop(listening);
        self.left();
    }

    /// Delivers packets for a reader whose queue has no message to take, and `room` for more.
    pub(super) fn read(
        &self,
        shared: &Arc<Shared>,
        mailbox: &Mailbox,
        room: usize,
        cx: &Context<'_>,
    ) -> Found {
        const BATCH: usize = 6;
        // The task is delivering, and wakes the reader if it has a message.
        let mut listening = match self.listening.try_lock() {
            Ok(listening) => listening,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return Found::Nothing,
        };
        let Some(listening) = &mut *listening else {
            return Found::Nothing;
        };
        if !listening.members.is_only(mailbox) {
            listening.members.look_up(shared, self);
            if !listening.members.is_only(mailbox) {
                self.watch.hand_back();
                return Found::Nothing;
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
            Some(arrival) => Found::Message(arrival),
            None if turn == Turn::Over && room > 0 => Found::Others,
            None => Found::Nothing,
        }
    }
}
