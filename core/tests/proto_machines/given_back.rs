//! A member of the group that took a message gives it back before its handler has started.

use std::time::Instant;

use bytes::Bytes;
use conduit::{
    Executed, InstanceId,
    proto::{
        GroupOutcome, Outbound, Paths, ReasonCode, ReceiverOutcome,
        frame::{Frame, Receipt, Receiver},
    },
    transport::{Target, Targets},
};

use crate::forged::{RECEIVER, SECOND, nonce, offer, receipt, said};

const OTHER: Receiver = Receiver { instance: InstanceId::from_bytes([6; 16]), port: 2 };

fn waiting(now: Instant, outbound: &mut Outbound, have: u64) {
    let receipt = Receipt { started: false, ..receipt(have, 3000) };
    outbound.handle_credit(now, RECEIVER, &receipt);
}

fn sent(outbound: &mut Outbound, now: Instant) -> Vec<(u64, usize)> {
    let data = said(outbound, now).into_iter().filter_map(|frame| match frame {
        Frame::Data { offset, body, .. } => Some((offset, body.len())),
        _ => None,
    });
    data.collect()
}

/// A member has taken it, and was sent what it may be.
fn taken(now: Instant) -> Outbound {
    let mut outbound = offer(now, Targets::Group);
    said(&mut outbound, now);
    outbound.handle_offered(now, Target::Group);
    outbound.handle_accept(now, RECEIVER, Target::Group, 1000);
    for _ in 0..4 {
        outbound.push(&Bytes::from_static(&[7; 500]));
    }
    assert_eq!(sent(&mut outbound, now), [(0, 500), (500, 500)]);
    outbound
}

#[test]
fn until_a_handler_has_started_no_more_is_sent_and_all_is_kept() {
    let now = Instant::now();
    let mut outbound = taken(now);
    waiting(now, &mut outbound, 1000);
    assert_eq!(sent(&mut outbound, now), [], "whatever it grants");
    assert_eq!(outbound.held(), 2000);
    outbound.handle_credit(now, RECEIVER, &receipt(1000, 3000));
    assert_eq!(outbound.held(), 1000);
    assert_eq!(sent(&mut outbound, now), [(1000, 500), (1500, 500)]);
}

#[test]
fn another_member_gets_it_from_the_start() {
    for code in [ReasonCode::Draining, ReasonCode::Overloaded, ReasonCode::Unsupported] {
        let now = Instant::now();
        let mut outbound = taken(now);
        waiting(now, &mut outbound, 1000);
        outbound.handle_stop(now, RECEIVER, Target::Group, code.into());
        assert_eq!(outbound.outcome(), None);
        let now = now + SECOND / 100;
        outbound.handle_timeout(now, &mut Paths::default());
        let offers = said(&mut outbound, now);
        assert!(matches!(offers[..], [Frame::Offer { .. }]), "{offers:?}");
        outbound.handle_offered(now, Target::Group);
        outbound.handle_accept(now, OTHER, Target::Group, 4000);
        let all = [(0, 500), (500, 500), (1000, 500), (1500, 500)];
        assert_eq!(sent(&mut outbound, now), all);
        outbound.finish();
        let done =
            Receipt { have: 2000, credit: 4000, started: true, done: true, nonce: nonce(OTHER) };
        outbound.handle_credit(now, OTHER, &done);
        let outcome = outbound.outcome().expect("it is over");
        assert_eq!(outcome.group, GroupOutcome::Accepted(OTHER));
        assert_eq!(outcome.deliveries.len(), 1, "who gave it back does not count");
    }
}

/// What refuses it then was said before, and comes late.
#[test]
fn one_whose_handler_has_started_is_not_replaced() {
    for target in [Target::Group, Target::Plain] {
        let now = Instant::now();
        let mut outbound = offer(now, target.into());
        said(&mut outbound, now);
        outbound.handle_offered(now, target);
        outbound.handle_accept(now, RECEIVER, target, 1000);
        outbound.push(&Bytes::from_static(&[7; 500]));
        outbound.finish();
        said(&mut outbound, now);
        outbound.handle_credit(now, RECEIVER, &receipt(0, 1000));
        outbound.handle_stop(now, RECEIVER, target, ReasonCode::Draining.into());
        assert_eq!(outbound.outcome(), None);
        assert_eq!(said(&mut outbound, now), [], "it is not offered again");
        let done = Receipt { done: true, ..receipt(500, 1000) };
        outbound.handle_credit(now, RECEIVER, &done);
        outbound.handle_timeout(now + SECOND, &mut Paths::default());
        let outcome = outbound.outcome().expect("it is over");
        assert_eq!(outcome.deliveries[0].result, Ok(()));
    }
}

/// What an instance refuses for all its bindings is an offer, which it may take when it is made again.
#[test]
fn a_refusal_by_an_instance_that_comes_late_replaces_no_binding_of_it() {
    let now = Instant::now();
    let mut outbound = taken(now);
    let refuses = Receiver { port: 0, ..RECEIVER };
    outbound.handle_stop(now, refuses, Target::Group, ReasonCode::Overloaded.into());
    outbound.handle_timeout(now + SECOND / 10, &mut Paths::default());
    let said = said(&mut outbound, now + SECOND / 10);
    assert!(!said.iter().any(|frame| matches!(frame, Frame::Offer { .. })), "{said:?}");
}

#[test]
fn one_that_may_have_run_is_not_replaced() {
    for code in [ReasonCode::Dropped, ReasonCode::Lost, ReasonCode::Closed] {
        let now = Instant::now();
        let mut outbound = taken(now);
        outbound.handle_stop(now, RECEIVER, Target::Group, code.into());
        let outcome = outbound.outcome().expect("it is over");
        assert_eq!(outcome.deliveries[0].result, Err(code.into()));
    }
}

/// However long it waited there, the group is asked anew for as long as at first.
#[test]
fn the_group_is_asked_for_the_whole_send_timeout_again() {
    let start = Instant::now();
    let mut outbound = offer(start, Targets::Group);
    said(&mut outbound, start);
    outbound.handle_offered(start, Target::Group);
    outbound.handle_accept(start, RECEIVER, Target::Group, 1000);
    let mut now = start;
    for _ in 0..20 {
        now += SECOND;
        outbound.handle_timeout(now, &mut Paths::default());
        said(&mut outbound, now);
        waiting(now, &mut outbound, 0);
    }
    let stopped = now;
    outbound.handle_stop(now, RECEIVER, Target::Group, ReasonCode::Draining.into());
    while outbound.outcome().is_none() {
        now = outbound.poll_timeout().expect("it waits for something");
        outbound.handle_timeout(now, &mut Paths::default());
        if !said(&mut outbound, now).is_empty() {
            outbound.handle_offered(now, Target::Group);
            let busy = ReasonCode::Overloaded.into();
            outbound.handle_stop(now, OTHER, Target::Group, busy);
        }
    }
    assert!((4..=5).contains(&(now - stopped).as_secs()), "{:?}", now - stopped);
    let outcome = outbound.outcome().expect("it is over");
    assert_eq!(outcome.group, GroupOutcome::Refused(ReasonCode::Overloaded.into()));
}

#[test]
fn a_member_that_gave_it_back_and_left_is_a_refusal() {
    let now = Instant::now();
    let mut outbound = taken(now);
    outbound.handle_stop(now, RECEIVER, Target::Group, ReasonCode::Draining.into());
    let now = now + SECOND / 100;
    outbound.handle_timeout(now, &mut Paths::default());
    said(&mut outbound, now);
    outbound.handle_offered(now, Target::Group);
    outbound.handle_undelivered(now, Targets::Group);
    let outcome = outbound.outcome().expect("it is over");
    assert_eq!(outcome.group, GroupOutcome::Refused(ReasonCode::Draining.into()));
}

#[test]
fn a_member_that_gave_it_back_may_take_it_after_all() {
    let now = Instant::now();
    let mut outbound = taken(now);
    outbound.handle_stop(now, RECEIVER, Target::Group, ReasonCode::Overloaded.into());
    let now = now + SECOND / 100;
    outbound.handle_timeout(now, &mut Paths::default());
    said(&mut outbound, now);
    outbound.handle_offered(now, Target::Group);
    // Its refusal once more, since the offer has come to the same place.
    outbound.handle_stop(now, RECEIVER, Target::Group, ReasonCode::Overloaded.into());
    let now = now + SECOND / 10;
    outbound.handle_timeout(now, &mut Paths::default());
    assert!(matches!(said(&mut outbound, now)[..], [Frame::Offer { .. }]));
    outbound.handle_accept(now, RECEIVER, Target::Group, 1000);
    assert_eq!(sent(&mut outbound, now), [(0, 500), (500, 500)]);
}

#[test]
fn a_plain_receiver_is_not_replaced() {
    let now = Instant::now();
    let mut outbound = offer(now, Targets::Plain);
    outbound.handle_accept(now, RECEIVER, Target::Plain, 1000);
    outbound.handle_stop(now, RECEIVER, Target::Plain, ReasonCode::Draining.into());
    let outcome = outbound.outcome().expect("it is over");
    assert_eq!(outcome.deliveries[0].result, Err(ReasonCode::Draining.into()));
}

/// It is told `Taken` while another member has the message, and is confirmed when that one gives it back.
/// A packet that overtakes another one can so end a body whose handler runs, for a reason that says
/// otherwise.
#[test]
fn one_that_is_confirmed_after_all_may_have_run_whatever_it_says() {
    let now = Instant::now();
    let mut outbound = taken(now);
    outbound.handle_accept(now, OTHER, Target::Group, 1000);
    let taken = ReasonCode::Taken;
    let told = said(&mut outbound, now);
    assert!(matches!(&told[..], [Frame::Reset { reason, .. }] if reason.code == taken));
    outbound.handle_stop(now, RECEIVER, Target::Group, ReasonCode::Draining.into());
    outbound.handle_accept(now, OTHER, Target::Group, 1000);
    assert!(outbound.handle_confirming(OTHER));
    outbound.handle_stop(now, OTHER, Target::Group, taken.into());
    let outcome = outbound.outcome().expect("it is over");
    let executed = outcome.deliveries.iter().map(ReceiverOutcome::executed);
    assert_eq!(executed.collect::<Vec<_>>(), [Executed::Maybe]);
}

#[test]
fn one_that_was_not_confirmed_has_not_run_whatever_it_says() {
    let now = Instant::now();
    let mut outbound = taken(now);
    outbound.handle_stop(now, RECEIVER, Target::Group, ReasonCode::Dropped.into());
    let outcome = outbound.outcome().expect("it is over");
    assert_eq!(outcome.deliveries[0].executed(), Executed::No);
}
