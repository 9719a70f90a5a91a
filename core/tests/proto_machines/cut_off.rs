//! Where a broadcast goes once one of its receivers was cut off.

use std::time::{Duration, Instant};

use bytes::Bytes;
use conduit::{
    InstanceId,
    proto::{
        Nonces, Outbound, OutboundLimits, Paths, ReasonCode, Recipient,
        frame::{Frame, Receipt, Receiver},
    },
    transport::{Target, Targets},
};

use crate::forged::{MESSAGE, SECOND, head, limits, nonce};

const PIECE: u64 = 1000;
const TO_ALL: Recipient = Recipient::Bindings(Target::Plain);

const fn receiver(number: u8) -> Receiver {
    Receiver { instance: InstanceId::from_bytes([number; 16]), port: 1 }
}

const fn inbox(number: u8) -> Recipient {
    Recipient::Inbox(receiver(number).instance)
}

/// A body whose window holds four pieces, and which the receivers 1, 2 and 3 have accepted.
struct Broadcast {
    now: Instant,
    outbound: Outbound,
    paths: Paths,
    pushed: u64,
}

impl Broadcast {
    fn new(lag: Duration) -> Self {
        let now = Instant::now();
        let limits = OutboundLimits { lag, ..limits(4 * PIECE, Some(3)) };
        let nonces = Nonces::new([7; 16]);
        let mut outbound =
            Outbound::offer(now, MESSAGE, head(), Targets::Plain, None, nonces, limits);
        for number in 1..=3 {
            outbound.handle_accept(now, receiver(number), Target::Plain, 64 << 10);
        }
        let mut broadcast = Self { now, outbound, paths: Paths::default(), pushed: 0 };
        broadcast.settle();
        broadcast
    }

    /// Returns where pieces of the body go.
    fn settle(&mut self) -> Vec<Recipient> {
        self.outbound.handle_timeout(self.now, &mut self.paths);
        let said = std::iter::from_fn(|| self.outbound.poll_transmit(self.now, &mut self.paths));
        let said = said.map(|transmit| (transmit.to, Frame::decode(&transmit.packet)));
        said.filter(|(_, frame)| matches!(frame, Ok(Frame::Data { .. })))
            .map(|(to, _)| to)
            .collect()
    }

    fn push(&mut self) -> Vec<Recipient> {
        self.outbound.push(&Bytes::from(vec![7; 1000]));
        self.pushed += PIECE;
        self.settle()
    }

    /// A receiver says that it has everything before an offset.
    fn has(&mut self, number: u8, have: u64) {
        let nonce = nonce(receiver(number));
        let receipt = Receipt { have, credit: 64 << 10, started: true, done: false, nonce };
        self.outbound.handle_credit(self.now, receiver(number), &receipt);
        self.settle();
    }

    fn have_all(&mut self, numbers: impl IntoIterator<Item = u8>) {
        for number in numbers {
            self.has(number, self.pushed);
        }
    }

    /// Time passes, in which receivers say that they have everything.
    fn pass(&mut self, time: Duration, numbers: &[u8]) {
        let until = self.now + time;
        while self.now < until {
            self.now += SECOND / 2;
            self.settle();
            self.have_all(numbers.iter().copied());
        }
    }

    /// Ends it, and returns why the third receiver has failed.
    fn failure_of_the_third(mut self) -> Option<ReasonCode> {
        self.outbound.abort(ReasonCode::Cancelled.into());
        let outcome = self.outbound.outcome()?;
        let third = outcome.deliveries.into_iter().find(|one| one.receiver == receiver(3))?;
        third.result.err().map(|reason| reason.code)
    }
}

#[test]
fn once_a_silent_receiver_is_lost_it_goes_to_inboxes() {
    let mut broadcast = Broadcast::new(Duration::MAX);
    broadcast.have_all(1..=3);
    assert_eq!(broadcast.push(), [TO_ALL]);
    broadcast.pass(11 * SECOND, &[1, 2]);
    assert_eq!(broadcast.push(), [inbox(1), inbox(2)]);
    broadcast.have_all([1, 2]);
    // Nor when it is heard from again.
    broadcast.has(3, PIECE);
    assert_eq!(broadcast.push(), [inbox(1), inbox(2)]);
    assert_eq!(broadcast.failure_of_the_third(), Some(ReasonCode::Lost));
}

#[test]
fn once_a_receiver_that_holds_up_others_is_lagged_it_goes_to_inboxes() {
    let mut broadcast = Broadcast::new(2 * SECOND);
    broadcast.have_all(1..=3);
    for _ in 0..4 {
        assert_eq!(broadcast.push(), [TO_ALL]);
        broadcast.have_all([1, 2]);
    }
    assert_eq!(broadcast.outbound.capacity(), 0, "it waits for the third");
    for _ in 0..3 {
        broadcast.pass(SECOND, &[1, 2]);
        broadcast.has(3, 0);
    }
    assert_eq!(broadcast.push(), [inbox(1), inbox(2)]);
    assert_eq!(broadcast.failure_of_the_third(), Some(ReasonCode::Lagged));
}

/// The instance reads its packets, and ignores those of a body that it has stopped.
#[test]
fn where_a_receiver_has_stopped_it_goes_on_to_all() {
    let mut broadcast = Broadcast::new(Duration::MAX);
    broadcast.have_all(1..=3);
    let reason = ReasonCode::Dropped.into();
    broadcast.outbound.handle_stop(broadcast.now, receiver(3), Target::Plain, reason);
    assert_eq!(broadcast.push(), [TO_ALL]);
    assert_eq!(broadcast.failure_of_the_third(), Some(ReasonCode::Dropped));
}

/// Otherwise an accept that anyone may forge would make the sender publish a copy for each receiver.
#[test]
fn where_a_made_up_receiver_is_lost_it_goes_on_to_all() {
    let mut broadcast = Broadcast::new(Duration::MAX);
    broadcast.pass(11 * SECOND, &[1, 2]);
    assert_eq!(broadcast.push(), [TO_ALL]);
    assert_eq!(broadcast.failure_of_the_third(), Some(ReasonCode::Lost));
}
