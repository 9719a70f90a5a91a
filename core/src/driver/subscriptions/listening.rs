//! Delivers the packets of a subscription.

use std::{
    future::poll_fn,
    pin::Pin,
    sync::TryLockError,
    task::{Context, Poll},
    time::Duration,
};

use futures_lite::future;

use crate::{
    driver::{
        Arrival, Mailbox, Shared,
        dispatch::handle_subject,
        routes::{Listening, Route},
        watch::{Duty, ReaderProgress},
    },
    lock::lock,
    transport::Packet,
};

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

/// How many packets are delivered before other tasks run.
const TURN: usize = 128;
/// The time between two checks of a reader. At most the packets of twice this time are unread.
const PATIENCE: Duration = Duration::from_millis(10);

/// Delivers the packets that are ready, `most` at most. Those of a batch count one by one: what a
/// reader leaves of it is unread, as it is in the client.
fn turn(
    shared: &Shared,
    route: &Route,
    listening: &mut Listening,
    cx: &mut Context<'_>,
    most: usize,
) -> Turn {
    for _ in 0..most {
        let packet = match listening.batch.next() {
            Some(packet) => packet,
            None => match Pin::new(&mut *listening.subscription).poll_next(cx) {
                Poll::Pending => return Turn::Empty,
                Poll::Ready(None) => return Turn::Ended,
                Poll::Ready(Some(Packet::Undelivered(_))) => continue,
                Poll::Ready(Some(Packet::Data(packet))) => Ok(packet),
            },
        };
        handle_subject(shared, route, packet, listening);
        if listening.members.has_read() {
            break;
        }
    }
    Turn::Over
}

/// Delivers packets until the subscription ends. Never waits for a handler.
pub(super) async fn deliver_all(shared: &Shared, route: &Route, listening: &mut Listening) {
    loop {
        // If no binding is left, every message has to be handed on.
        shared.handing_on.room().await;
        let turn = poll_fn(|cx| match turn(shared, route, listening, cx, TURN) {
            Turn::Empty => Poll::Pending,
            turn => Poll::Ready(turn),
        });
        if turn.await == Turn::Ended {
            return;
        }
        future::yield_now().await;
    }
}

/// Delivers packets while no reader does so, until the subscription ends.
pub(super) async fn listen_for_readers(shared: &Shared, route: &Route) {
    route.watch.drain();
    loop {
        match route.watch.duty().await {
            Duty::Guard => guard(shared, route).await,
            Duty::Drain if pass(shared, route).await == Turn::Ended => return,
            Duty::Drain => {}
        }
    }
}

/// Delivers all packets that are ready; messages that do not fit their binding are dropped or
/// refused. Other tasks run in between, even while more packets arrive.
async fn pass(shared: &Shared, route: &Route) -> Turn {
    loop {
        route.watch.drained_by_task();
        let turn = match &mut *lock(&route.listening) {
            None => Turn::Ended,
            Some(listening) => {
                let mut cx = Context::from_waker(&route.waker);
                turn(shared, route, listening, &mut cx, TURN)
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
async fn guard(shared: &Shared, route: &Route) {
    loop {
        match route.watch.look() {
            ReaderProgress::Waiting => return,
            ReaderProgress::Behind => return route.watch.drain(),
            ReaderProgress::Busy => {}
        }
        let patience = shared.pause_until(shared.now() + PATIENCE);
        future::or(patience, route.watch.drain_wanted()).await;
        if route.watch.is_wanted() {
            return;
        }
    }
}

/// Delivers packets for a reader whose queue has no message to take, and `room` for more.
pub(super) fn read(
    shared: &Shared,
    route: &Route,
    mailbox: &Mailbox,
    room: usize,
    cx: &Context<'_>,
) -> Found {
    const BATCH: usize = 6;
    // The task is delivering, and wakes the reader if it has a message.
    let mut listening = match route.listening.try_lock() {
        Ok(listening) => listening,
        Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
        Err(TryLockError::WouldBlock) => return Found::Nothing,
    };
    let Some(listening) = &mut *listening else {
        return Found::Nothing;
    };
    if !listening.members.is_only(mailbox) {
        listening.members.look_up(&shared.routes, route);
        if !listening.members.is_only(mailbox) {
            route.watch.hand_back();
            return Found::Nothing;
        }
    }
    // For the next of a packet that is here already, nothing is polled.
    let polls = listening.batch.is_empty();
    if polls {
        route.watch.begin_read();
    }
    let mut own = Context::from_waker(&route.waker);
    listening.members.begin_read(mailbox.id());
    let most = if polls { BATCH } else { 1 };
    let turn = turn(shared, route, listening, &mut own, room.min(most));
    let read = listening.members.read();
    match turn {
        Turn::Empty => route.watch.read_to_end(cx.waker()),
        Turn::Ended => route.watch.drain(),
        Turn::Over => route.watch.unread(),
    }
    match read {
        Some(arrival) => Found::Message(arrival),
        None if turn == Turn::Over && room > 0 => Found::Others,
        None => Found::Nothing,
    }
}
