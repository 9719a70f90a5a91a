//! Addresses, packets, and a reader that never waits.

use std::{
    error::Error,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Wake},
};

use bytes::Bytes;
use conduit::{
    InstanceId, MessageId,
    transport::{Address, Packet, Targets, Token},
};
use conduit_memory::MemorySubscription;
use futures_lite::{
    Stream, StreamExt,
    future::{block_on, poll_once},
};

pub(crate) type TestResult = Result<(), Box<dyn Error>>;

pub(crate) fn subject(subject: &str, targets: Targets) -> Address {
    Address::Subject {
        service: "service".parse().expect("a service name"),
        subject: subject.parse().expect("a subject"),
        targets,
    }
}

pub(crate) fn plain() -> Address {
    subject("subject", Targets::Plain)
}

pub(crate) fn group() -> Address {
    subject("subject", Targets::Group)
}

pub(crate) fn both() -> Address {
    subject("subject", Targets::Both)
}

pub(crate) fn inbox(instance: u8) -> Address {
    Address::Inbox {
        service: "service".parse().expect("a service name"),
        instance: InstanceId::from_bytes([instance; InstanceId::LEN]),
    }
}

pub(crate) fn control(service: &str) -> Address {
    Address::Control { service: service.parse().expect("a service name") }
}

pub(crate) fn token(message: u8, targets: Targets) -> Token {
    Token { message: MessageId::from_bytes([message; MessageId::LEN]), targets, tag: 7 }
}

pub(crate) fn bytes(packet: u32) -> Bytes {
    Bytes::copy_from_slice(&packet.to_be_bytes())
}

pub(crate) fn data(packets: impl IntoIterator<Item = u32>) -> Vec<Packet> {
    packets.into_iter().map(|packet| Packet::Data(bytes(packet))).collect()
}

/// Polls once: what a future gives without waiting.
pub(crate) fn now<F: Future>(future: F) -> Option<F::Output> {
    block_on(poll_once(pin!(future)))
}

/// Whether a future that could not go on has been woken since.
#[derive(Default)]
pub(crate) struct Woken(AtomicBool);

impl Woken {
    pub(crate) fn get(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Polls a future that cannot go on yet.
pub(crate) fn park<F: Future + Unpin>(future: &mut F) -> Arc<Woken> {
    let woken = Arc::new(Woken::default());
    let waker = Arc::clone(&woken).into();
    let poll = Pin::new(future).poll(&mut Context::from_waker(&waker));
    assert!(poll.is_pending(), "it did not wait");
    woken
}

/// All packets that wait in a subscription.
pub(crate) fn waiting(subscription: &mut MemorySubscription) -> Vec<Packet> {
    std::iter::from_fn(|| now(subscription.next()).flatten()).collect()
}

/// Whether a stream has ended, as opposed to having nothing yet.
pub(crate) fn ended<S: Stream + Unpin>(stream: &mut S) -> bool {
    matches!(now(stream.next()), Some(None))
}
