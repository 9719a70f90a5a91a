//! Packets that contradict others, or themselves.

use std::time::{Duration, Instant};

use bytes::Bytes;
use conduit::{
    Headers, InstanceId, MessageId, ServiceName, Source,
    proto::{
        Budget, Inbound, InboundLimits, Nonces, Outbound, OutboundLimits, Paths, Read, ReasonCode,
        frame::{Frame, Head, Nonce, Receipt, Receiver, StreamId},
    },
    transport::{Target, Targets},
};

use crate::offers::{budget, offered, source};

pub(crate) const MESSAGE: MessageId = MessageId::from_bytes([3; 16]);
pub(crate) const RECEIVER: Receiver =
    Receiver { instance: InstanceId::from_bytes([4; 16]), port: 5 };
pub(crate) const NONCE: Nonce = Nonce::from_bytes([7; Nonce::LEN]);
pub(crate) const SECOND: Duration = Duration::from_secs(1);

pub(crate) fn inbound(now: Instant, length: Option<u64>, budget: &mut Budget) -> Inbound {
    let limits = inbound_limits();
    let stream = StreamId { message: MESSAGE, reply: false };
    let first = limits.first(length);
    let claim = budget.offer(now, &offered(&source(1, 1), stream, first));
    let claim = claim.expect("the budget has room");
    Inbound::offered(now, stream, RECEIVER, Target::Plain, length, limits, claim)
}

pub(crate) fn inbound_limits() -> InboundLimits {
    InboundLimits {
        initial: 1000,
        window: 4000,
        answer: 5 * SECOND,
        idle: 10 * SECOND,
        retry: SECOND / 2,
        ack_delay: SECOND / 50,
    }
}

/// What a receiver says whose handler has started.
pub(crate) fn receipt(have: u64, credit: u64) -> Receipt {
    Receipt { have, credit, started: true, done: false, nonce: nonce(RECEIVER) }
}

/// What a sender says to a receiver that it confirms.
pub(crate) fn nonce(receiver: Receiver) -> Option<Nonce> {
    let now = Instant::now();
    let mut outbound = offer(now, Targets::Plain);
    outbound.handle_accept(now, receiver, Target::Plain, 0);
    said(&mut outbound, now).iter().find_map(|frame| match frame {
        Frame::Confirm { nonce, .. } => Some(*nonce),
        _ => None,
    })
}

/// A receiver says that it has read and verified everything.
fn all_of(have: u64) -> Receipt {
    Receipt { done: true, ..receipt(have, 500) }
}

/// A receiver has accepted it.
fn outbound(now: Instant) -> Outbound {
    let mut outbound = offer(now, Targets::Plain);
    outbound.handle_accept(now, RECEIVER, Target::Plain, 500);
    outbound
}

pub(crate) fn offer(now: Instant, targets: Targets) -> Outbound {
    offer_of(now, targets, 4000, Some(1))
}

pub(crate) fn offer_of(
    now: Instant,
    targets: Targets,
    window: u64,
    expect: Option<usize>,
) -> Outbound {
    let limits = limits(window, expect);
    Outbound::offer(now, MESSAGE, head(), targets, None, Nonces::new([7; 16]), limits)
}

pub(crate) fn head() -> Head {
    Head {
        source: Source {
            service: ServiceName::new("s").expect("the name is valid"),
            instance: InstanceId::from_bytes([9; 16]),
        },
        content_type: None,
        headers: Headers::new(),
        sequence: None,
        request: None,
    }
}

pub(crate) fn limits(window: u64, expect: Option<usize>) -> OutboundLimits {
    OutboundLimits {
        window,
        chunks: 100,
        answer: 5 * SECOND,
        patience: 5 * SECOND,
        join: SECOND / 4,
        expect,
        lag: Duration::MAX,
        idle: 10 * SECOND,
        retry: SECOND / 2,
    }
}

pub(crate) fn said(outbound: &mut Outbound, now: Instant) -> Vec<Frame> {
    std::iter::from_fn(|| outbound.poll_transmit(now, &mut Paths::default()))
        .map(|transmit| Frame::decode(&transmit.packet).expect("it can be read"))
        .collect()
}

fn corrupt(inbound: &mut Inbound, budget: &mut Budget) {
    let reason = ReasonCode::Corrupt.into();
    assert_eq!(inbound.failure(), Some(&reason));
    assert_eq!(inbound.read(budget), Read::Failed(reason));
    assert_eq!(budget.used(), 0);
}

#[test]
fn data_beyond_the_grant_is_ignored() {
    let (now, mut budget) = (Instant::now(), budget());
    let mut inbound = inbound(now, None, &mut budget);
    inbound.handle_confirm(now, NONCE, &mut budget);
    for offset in [990, 1000, u64::MAX - 20, u64::MAX] {
        inbound.handle_data(now, offset, Bytes::from_static(&[0; 11]), &mut budget);
    }
    assert_eq!(inbound.failure(), None);
    assert_eq!(inbound.read(&mut budget), Read::Pending);
}

#[test]
fn data_beyond_the_announced_length_is_corrupt() {
    let (now, mut budget) = (Instant::now(), budget());
    let mut inbound = inbound(now, None, &mut budget);
    inbound.handle_confirm(now, NONCE, &mut budget);
    inbound.handle_end(now, 10, 0, &mut budget);
    inbound.handle_data(now, 8, Bytes::from_static(b"abc"), &mut budget);
    corrupt(&mut inbound, &mut budget);
}

#[test]
fn an_end_before_what_is_here_is_corrupt() {
    for offset in [0, 500] {
        let (now, mut budget) = (Instant::now(), budget());
        let mut inbound = inbound(now, None, &mut budget);
        inbound.handle_confirm(now, NONCE, &mut budget);
        inbound.handle_data(now, offset, Bytes::from_static(b"abc"), &mut budget);
        inbound.handle_end(now, 2, 0, &mut budget);
        corrupt(&mut inbound, &mut budget);
    }
}

#[test]
fn two_ends_that_differ_are_corrupt() {
    for (length, checksum) in [(11, 7), (10, 8), (u64::MAX, 7)] {
        let (now, mut budget) = (Instant::now(), budget());
        let mut inbound = inbound(now, None, &mut budget);
        inbound.handle_confirm(now, NONCE, &mut budget);
        inbound.handle_end(now, 10, 7, &mut budget);
        inbound.handle_end(now, 10, 7, &mut budget);
        assert_eq!(inbound.failure(), None, "a repeat is fine");
        inbound.handle_end(now, length, checksum, &mut budget);
        corrupt(&mut inbound, &mut budget);
    }
}

#[test]
fn an_end_that_differs_from_the_offered_length_is_corrupt() {
    let (now, mut budget) = (Instant::now(), budget());
    let mut inbound = inbound(now, Some(5), &mut budget);
    inbound.handle_confirm(now, NONCE, &mut budget);
    inbound.handle_end(now, 4, 0, &mut budget);
    corrupt(&mut inbound, &mut budget);
}

#[test]
fn a_checksum_that_is_wrong_is_corrupt_and_its_last_bytes_are_not_given() {
    let (now, mut budget) = (Instant::now(), budget());
    let mut inbound = inbound(now, None, &mut budget);
    inbound.handle_confirm(now, NONCE, &mut budget);
    inbound.handle_data(now, 0, Bytes::from_static(b"abc"), &mut budget);
    inbound.handle_end(now, 3, 1, &mut budget);
    assert!(matches!(inbound.read(&mut budget), Read::Failed(_)));
    corrupt(&mut inbound, &mut budget);
}

#[test]
fn an_empty_body_that_ends_before_its_confirmation_starts_a_handler() {
    let (now, mut budget) = (Instant::now(), budget());
    let mut inbound = inbound(now, None, &mut budget);
    inbound.handle_end(now, 0, 0, &mut budget);
    assert!(!inbound.is_confirmed() && !inbound.is_finished());
    assert!(inbound.handle_confirm(now, NONCE, &mut budget), "the handler may start");
    assert_eq!(inbound.read(&mut budget), Read::End);
    assert_eq!(budget.used(), 0);
}

#[test]
fn a_reset_is_no_confirmation() {
    let (now, mut budget) = (Instant::now(), budget());
    let mut inbound = inbound(now, None, &mut budget);
    inbound.handle_reset(now, ReasonCode::Late.into(), &mut budget);
    assert!(!inbound.is_confirmed());
    assert!(!inbound.handle_confirm(now, NONCE, &mut budget));
}

#[test]
fn the_last_word_is_repeated_to_a_sender_that_missed_it() {
    let (now, mut budget) = (Instant::now(), budget());
    let mut inbound = inbound(now, None, &mut budget);
    inbound.handle_confirm(now, NONCE, &mut budget);
    inbound.handle_end(now, 0, 0, &mut budget);
    assert_eq!(inbound.read(&mut budget), Read::End);
    let word = inbound.poll_transmit(now).expect("it says that it is done");
    assert_eq!(inbound.poll_transmit(now), None);
    assert_eq!(inbound.last_word(), word);
    inbound.handle_end(now, 0, 0, &mut budget);
    assert_eq!(inbound.poll_transmit(now), Some(word));
}

#[test]
fn who_has_more_than_was_given_is_ignored() {
    let now = Instant::now();
    let mut outbound = outbound(now);
    outbound.push(&Bytes::from_static(b"abc"));
    said(&mut outbound, now);
    for have in [4, u64::MAX] {
        let receipt = Receipt { credit: u64::MAX, ..all_of(have) };
        outbound.handle_credit(now + SECOND, RECEIVER, &receipt);
    }
    assert_eq!(outbound.held(), 3);
    outbound.finish();
    outbound.handle_timeout(now + 10 * SECOND, &mut Paths::default());
    let outcome = outbound.outcome().expect("it is over");
    let lost = Err(ReasonCode::Lost.into());
    assert_eq!(outcome.deliveries[0].result, lost, "it was no sign of life");
}

#[test]
fn done_is_believed_only_after_the_end() {
    let now = Instant::now();
    let mut outbound = outbound(now);
    outbound.push(&Bytes::from_static(b"abc"));
    said(&mut outbound, now);
    outbound.handle_credit(now, RECEIVER, &all_of(3));
    outbound.finish();
    assert_eq!(outbound.outcome(), None);
    outbound.handle_credit(now, RECEIVER, &all_of(2));
    assert_eq!(outbound.outcome(), None);
    outbound.handle_credit(now, RECEIVER, &all_of(3));
    let outcome = outbound.outcome().expect("it is over");
    assert_eq!(outcome.deliveries[0].result, Ok(()));
}

#[test]
fn credit_never_goes_back() {
    let now = Instant::now();
    let mut outbound = outbound(now);
    outbound.handle_credit(now, RECEIVER, &receipt(0, 1000));
    outbound.handle_credit(now, RECEIVER, &receipt(0, 10));
    outbound.push(&Bytes::from_static(&[0; 900]));
    let sent = said(&mut outbound, now);
    let data = sent.iter().find_map(|frame| match frame {
        Frame::Data { body, .. } => Some(body.len()),
        _ => None,
    });
    assert_eq!(data, Some(900));
}

#[test]
fn a_receiver_that_nobody_knows_changes_nothing() {
    let now = Instant::now();
    let mut outbound = outbound(now);
    let stranger = Receiver { port: 6, ..RECEIVER };
    outbound.push(&Bytes::from_static(b"abc"));
    outbound.finish();
    said(&mut outbound, now);
    outbound.handle_credit(now, stranger, &all_of(3));
    let target = Target::Plain;
    outbound.handle_stop(now, stranger, target, ReasonCode::Dropped.into());
    assert_eq!(outbound.outcome(), None);
    assert_eq!(said(&mut outbound, now), []);
}

#[test]
fn who_does_not_know_the_nonce_is_not_believed() {
    let now = Instant::now();
    let mut outbound = outbound(now);
    outbound.push(&Bytes::from_static(b"abc"));
    outbound.finish();
    said(&mut outbound, now);
    let other = nonce(Receiver { port: 6, ..RECEIVER });
    assert_ne!(other, nonce(RECEIVER));
    for nonce in [None, Some(NONCE), other] {
        let forged = Receipt { nonce, ..all_of(3) };
        outbound.handle_credit(now + SECOND, RECEIVER, &forged);
    }
    assert_eq!(outbound.outcome(), None);
    outbound.handle_timeout(now + 10 * SECOND, &mut Paths::default());
    let outcome = outbound.outcome().expect("it is over");
    let lost = Err(ReasonCode::Lost.into());
    assert_eq!(outcome.deliveries[0].result, lost, "it was no sign of life");
}
