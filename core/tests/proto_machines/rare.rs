//! What the tables of SPEC.md say of events that hardly ever come together.

use std::time::Instant;

use bytes::Bytes;
use conduit::{
    proto::{Paths, Reason, ReasonCode, frame::Frame},
    transport::{Target, Targets},
};

use crate::forged::{RECEIVER, SECOND, offer, receipt, said};

/// The group refuses for so long that the plain bindings are found silent before it is over.
#[test]
fn plain_bindings_that_were_silent_stay_so() {
    let now = Instant::now();
    let mut outbound = offer(now, Targets::Both);
    assert_eq!(said(&mut outbound, now).len(), 2, "an offer for each");
    outbound.handle_offered(now, Target::Plain);
    outbound.handle_offered(now, Target::Group);
    let refused = Reason::new(ReasonCode::Overloaded, "not now");
    outbound.handle_stop(now, RECEIVER, Target::Group, refused);
    let now = now + 5 * SECOND;
    outbound.handle_timeout(now, &mut Paths::default());
    outbound.handle_undelivered(now, Targets::Plain);
    outbound.handle_undelivered(now, Targets::Group);
    assert!(outbound.outcome().is_some_and(|outcome| outcome.silent));
}

#[test]
fn after_the_end_the_end_is_the_sign_of_life() {
    let start = Instant::now();
    let mut outbound = offer(start, Targets::Plain);
    outbound.handle_accept(start, RECEIVER, Target::Plain, 500);
    outbound.push(&Bytes::from(vec![7; 400]));
    outbound.finish();
    let is_end = |frame: &Frame| matches!(frame, Frame::End { .. });
    assert!(said(&mut outbound, start).iter().any(is_end));
    // It makes progress just before it would be sent the rest once more.
    for millis in [500, 1_500] {
        let now = start + SECOND / 1000 * millis;
        outbound.handle_timeout(now, &mut Paths::default());
        assert!(said(&mut outbound, now).iter().any(is_end));
    }
    outbound.handle_credit(start + SECOND / 10 * 29, RECEIVER, &receipt(200, 500));
    let now = start + SECOND / 10 * 32;
    outbound.handle_timeout(now, &mut Paths::default());
    let said = said(&mut outbound, now);
    assert!(matches!(said[..], [Frame::End { .. }]), "{said:?}");
}
