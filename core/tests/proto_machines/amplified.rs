//! Receivers that somebody has made up.

use std::time::Instant;

use bytes::Bytes;
use conduit::{
    InstanceId,
    proto::{
        Outbound, Paths, Recipient,
        frame::{Frame, Nonce, Receipt, Receiver},
    },
    transport::{Target, Targets},
};

use crate::forged::{SECOND, nonce, offer_of};

const BODY: usize = 200_000;

fn forged(number: u32) -> Receiver {
    let mut id = [0xf0; 16];
    id[..4].copy_from_slice(&number.to_be_bytes());
    Receiver { instance: InstanceId::from_bytes(id), port: 1 }
}

fn genuine() -> Receiver {
    Receiver { instance: InstanceId::from_bytes([0x77; 16]), port: 3 }
}

/// A broadcast of 200 kB, and what it makes the sender publish.
struct Broadcast {
    now: Instant,
    outbound: Outbound,
    paths: Paths,
    /// How many bytes were published to inboxes of made-up receivers.
    wasted: usize,
    /// How far the one that is there has the body, and its nonce.
    have: u64,
    nonce: Option<Nonce>,
}

impl Broadcast {
    fn new() -> Self {
        let now = Instant::now();
        let outbound = offer_of(now, Targets::Plain, 1 << 20, None);
        Self { now, outbound, paths: Paths::default(), wasted: 0, have: 0, nonce: None }
    }

    fn settle(&mut self) {
        self.outbound.handle_timeout(self.now, &mut self.paths);
        while let Some(transmit) = self.outbound.poll_transmit(self.now, &mut self.paths) {
            let mine = transmit.to == Recipient::Inbox(genuine().instance);
            if matches!(transmit.to, Recipient::Inbox(_)) && !mine {
                self.wasted += transmit.packet.len();
            }
            let reaches = mine || matches!(transmit.to, Recipient::Bindings(_));
            match Frame::decode(&transmit.packet).expect("it can be read") {
                Frame::Confirm { nonce, .. } if mine => self.nonce = Some(nonce),
                Frame::Data { offset, body, .. } if reaches && offset == self.have => {
                    self.have += body.len() as u64;
                }
                _ => {}
            }
        }
        let next = self.outbound.poll_timeout();
        assert!(next.is_none_or(|at| at > self.now), "a busy loop");
    }

    fn accept(&mut self, receivers: impl IntoIterator<Item = Receiver>) {
        for receiver in receivers {
            self.outbound.handle_accept(self.now, receiver, Target::Plain, 64 << 10);
        }
        self.settle();
    }

    fn forge(&mut self, numbers: std::ops::Range<u32>) {
        let numbers: Vec<_> = numbers.map(forged).collect();
        numbers.chunks(500).for_each(|some| self.accept(some.iter().copied()));
    }

    /// What is there says how far it is, as soon as it is confirmed.
    fn answer(&mut self) {
        let (have, nonce) = (self.have, self.nonce);
        let credit = have + (64 << 10);
        let receipt = Receipt { have, credit, started: true, done: false, nonce };
        self.outbound.handle_credit(self.now, genuine(), &receipt);
        self.settle();
    }
}

#[test]
fn made_up_receivers_cost_a_mebibyte_at_most_and_keep_nobody_out() {
    let mut broadcast = Broadcast::new();
    broadcast.settle();
    broadcast.outbound.handle_offered(broadcast.now, Target::Plain);
    // The body is there as soon as a receiver is.
    broadcast.forge(0..1);
    for chunk in vec![7; BODY].chunks(16 << 10) {
        broadcast.outbound.push(&Bytes::copy_from_slice(chunk));
    }
    broadcast.outbound.finish();
    broadcast.forge(1..4_000);
    broadcast.accept([genuine()]);
    broadcast.forge(4_000..4_200);
    assert_eq!(broadcast.nonce, nonce(genuine()), "it is confirmed all the same");
    // It shows that it is there, and then gets everything.
    for _ in 0..20 {
        broadcast.answer();
    }
    assert_eq!(broadcast.have, BODY as u64);
    // They say it again and again, until they are given up.
    while broadcast.outbound.poll_timeout().is_some() && broadcast.wasted <= 1 << 20 {
        broadcast.now += SECOND;
        if broadcast.now > Instant::now() + 60 * SECOND {
            panic!("what nobody has shown to be there is waited for");
        }
        broadcast.forge(0..50);
        broadcast.answer();
        let done = Receipt {
            have: BODY as u64,
            credit: BODY as u64,
            started: true,
            done: true,
            nonce: broadcast.nonce,
        };
        broadcast.outbound.handle_credit(broadcast.now, genuine(), &done);
        broadcast.settle();
    }
    assert!(broadcast.wasted <= 1 << 20, "{}", broadcast.wasted);
    let outcome = broadcast.outbound.outcome().expect("it is over");
    let mine = outcome.deliveries.iter().find(|delivery| delivery.receiver == genuine());
    assert_eq!(mine.map(|delivery| delivery.result.clone()), Some(Ok(())));
}

/// Whoever sends to all would send to those that were made up as well.
#[test]
fn what_goes_to_all_at_once_is_for_those_that_are_there() {
    let mut broadcast = Broadcast::new();
    broadcast.settle();
    broadcast.outbound.handle_offered(broadcast.now, Target::Plain);
    broadcast.accept([forged(1), genuine()]);
    broadcast.answer();
    broadcast.now += SECOND;
    broadcast.settle();
    broadcast.outbound.push(&Bytes::from_static(&[7; 1000]));
    let to: Vec<_> = std::iter::from_fn(|| {
        broadcast.outbound.poll_transmit(broadcast.now, &mut broadcast.paths)
    })
    .map(|transmit| transmit.to)
    .collect();
    assert!(!to.iter().any(|to| matches!(to, Recipient::Bindings(_))), "{to:?}");
}
