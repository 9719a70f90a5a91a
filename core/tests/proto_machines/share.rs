//! Many bodies of one budget.

use std::time::{Duration, Instant};

use bytes::Bytes;
use conduit::{
    InstanceId, MessageId,
    proto::{
        Budget, Inbound, InboundLimits, Read,
        frame::{Frame, Receiver, StreamId},
    },
    transport::Target,
};

use crate::forged::NONCE;

const SECOND: Duration = Duration::from_secs(1);
const INITIAL: u64 = 64 << 10;
const WINDOW: u64 = 1 << 20;
const BUDGET: u64 = 32 << 20;

struct Reader {
    inbound: Inbound,
    read: u64,
    credit: u64,
}

impl Reader {
    fn new(now: Instant, number: u8, budget: &mut Budget) -> Self {
        let limits = InboundLimits {
            initial: INITIAL,
            window: WINDOW,
            answer: 5 * SECOND,
            idle: 10 * SECOND,
            retry: SECOND,
            ack_delay: SECOND / 40,
        };
        let stream = StreamId { message: MessageId::from_bytes([number; 16]), reply: false };
        let receiver = Receiver { instance: InstanceId::from_bytes([1; 16]), port: 1 };
        let target = Target::Plain;
        let inbound = Inbound::offered(now, stream, receiver, target, None, limits, budget);
        let mut inbound = inbound.expect("the budget has room");
        inbound.handle_confirm(now, NONCE);
        Self { inbound, read: 0, credit: INITIAL }
    }

    /// It is sent all that it may be, and reads it.
    fn go_on(&mut self, now: Instant, budget: &mut Budget) {
        let length = usize::try_from(self.credit - self.read).expect("it fits into memory");
        self.inbound.handle_data(now, self.read, Bytes::from(vec![7; length]), budget);
        while let Read::Chunk(bytes) = self.inbound.read(budget) {
            self.read += bytes.len() as u64;
        }
        while let Some(packet) = self.inbound.poll_transmit(now) {
            if let Ok(Frame::Credit { receipt, .. }) = Frame::decode(&packet) {
                self.credit = receipt.credit;
            }
        }
    }

    fn room(&self) -> u64 {
        self.credit - self.read
    }
}

fn rooms(count: u8) -> Vec<u64> {
    let (now, mut budget) = (Instant::now(), Budget::new(BUDGET));
    let mut readers: Vec<_> =
        (0..count).map(|number| Reader::new(now, number, &mut budget)).collect();
    for _ in 0..20 {
        for reader in &mut readers {
            reader.go_on(now, &mut budget);
        }
        assert!(budget.used() <= BUDGET);
    }
    readers.iter().map(Reader::room).collect()
}

#[test]
fn a_few_have_their_whole_windows() {
    assert!(rooms(30).iter().all(|room| *room >= WINDOW / 4 * 3));
}

/// Those that came first do not keep it from the others.
#[test]
fn many_share_it_evenly() {
    let rooms = rooms(100);
    let (least, most) = (rooms.iter().min(), rooms.iter().max());
    let share = BUDGET / 100;
    assert!(least >= Some(&(share / 2)), "{least:?}");
    assert!(most <= Some(&(share)), "{most:?}");
}
