//! What a receiver says of its handler, and how it shows that it was confirmed.

use std::time::Instant;

use bytes::Bytes;
use conduit::proto::{
    Budget, Inbound, ReasonCode,
    frame::{Frame, Receipt},
};

use crate::{
    forged::{NONCE, SECOND, inbound},
    offers::budget,
};

fn says(inbound: &mut Inbound, now: Instant) -> Option<Frame> {
    let packet = inbound.poll_transmit(now)?;
    Some(Frame::decode(&packet).expect("it can be read"))
}

fn receipt(inbound: &mut Inbound, now: Instant) -> Option<Receipt> {
    match says(inbound, now)? {
        Frame::Credit { receipt, .. } => Some(receipt),
        frame => panic!("it says {frame:?}"),
    }
}

fn confirmed(now: Instant, budget: &mut Budget) -> Inbound {
    let mut inbound = inbound(now, None, budget);
    assert!(matches!(says(&mut inbound, now), Some(Frame::Accept { .. })));
    inbound.handle_confirm(now, NONCE, budget);
    inbound
}

#[test]
fn the_nonce_is_repeated_soon_where_there_is_nothing_else_to_say() {
    let (now, mut budget) = (Instant::now(), budget());
    let mut inbound = confirmed(now, &mut budget);
    let at = inbound.poll_timeout().expect("it has something to say");
    assert!(at <= now + SECOND / 50, "within the ack delay");
    inbound.handle_timeout(at, &mut budget);
    let said = receipt(&mut inbound, at);
    assert_eq!(said, Some(Receipt { credit: 1000, nonce: Some(NONCE), ..Receipt::default() }));
}

#[test]
fn a_handler_that_starts_is_told_at_once_and_ever_after() {
    let (now, mut budget) = (Instant::now(), budget());
    let mut inbound = confirmed(now, &mut budget);
    inbound.start(&mut budget);
    let started = Receipt { credit: 1000, started: true, nonce: Some(NONCE), ..Receipt::default() };
    assert_eq!(receipt(&mut inbound, now), Some(started));
    inbound.start(&mut budget);
    assert_eq!(says(&mut inbound, now), None, "it is said once");
    inbound.handle_ping(now);
    assert_eq!(receipt(&mut inbound, now), Some(started));
    inbound.handle_data(now, 0, Bytes::from_static(&[7; 900]), &mut budget);
    assert_eq!(receipt(&mut inbound, now), Some(Receipt { have: 900, ..started }));
}

#[test]
fn a_message_that_no_handler_got_is_given_back() {
    let (now, mut budget) = (Instant::now(), budget());
    let mut waiting = confirmed(now, &mut budget);
    // Empty, so that a reader would have all of it.
    waiting.handle_end(now, 0, 0, &mut budget);
    waiting.leave(&mut budget);
    assert_eq!(waiting.failure(), Some(&ReasonCode::Draining.into()));

    let mut running = confirmed(now, &mut budget);
    running.start(&mut budget);
    running.leave(&mut budget);
    assert_eq!(running.failure(), Some(&ReasonCode::Dropped.into()));
}
