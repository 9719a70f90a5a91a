//! Each packet that matters is lost, and the body arrives all the same.

use std::time::Duration;

use conduit::{
    proto::{ReasonCode, frame::Frame},
    transport::Targets,
};

use crate::{
    cuts, pair,
    pair::{Bind, Pair, Setup},
    results, run_whole,
};

const SECOND: Duration = Duration::from_secs(1);

/// The first packets of a kind are lost.
fn losing(setup: Setup, times: u32, kind: fn(&Frame) -> bool) -> Pair {
    let mut lost = 0;
    let loses = move |frame: &Frame| {
        let this = lost < times && kind(frame);
        lost += u32::from(this);
        this
    };
    let mut pair = pair(setup);
    pair.link.loses = Box::new(loses);
    pair
}

/// Everybody has everything in time, although up to three packets of a kind are lost.
fn survives(targets: Targets, kind: fn(&Frame) -> bool) {
    let bind = if targets.plain() { Bind::PLAIN } else { Bind::GROUP };
    for size in [0, 1, 50_000, 2 << 20] {
        let setup = Setup { targets, ..Setup::new(size, vec![vec![bind]]) };
        for setup in cuts(&setup) {
            for times in 1..=3 {
                let pair = run_whole(losing(setup.clone(), times, kind), 1);
                assert!(pair.elapsed() < 10 * SECOND, "{:?}", pair.elapsed());
            }
        }
    }
}

#[test]
fn accepts() {
    survives(Targets::Plain, |frame| matches!(frame, Frame::Accept { .. }));
    survives(Targets::Group, |frame| matches!(frame, Frame::Accept { .. }));
}

#[test]
fn confirms() {
    survives(Targets::Plain, |frame| matches!(frame, Frame::Confirm { .. }));
    survives(Targets::Group, |frame| matches!(frame, Frame::Confirm { .. }));
}

#[test]
fn offers() {
    survives(Targets::Group, |frame| matches!(frame, Frame::Offer { .. }));
}

#[test]
fn data() {
    survives(Targets::Plain, |frame| matches!(frame, Frame::Data { .. }));
    let last = |frame: &Frame| matches!(frame, Frame::Data { offset, .. } if *offset > 1_900_000);
    survives(Targets::Plain, last);
}

#[test]
fn ends() {
    survives(Targets::Plain, |frame| matches!(frame, Frame::End { .. }));
}

#[test]
fn receipts() {
    survives(Targets::Plain, |frame| matches!(frame, Frame::Credit { .. }));
}

#[test]
fn last_receipts() {
    survives(
        Targets::Plain,
        |frame| matches!(frame, Frame::Credit { receipt, .. } if receipt.done),
    );
}

/// The reader has everything, and the sender never hears of it.
#[test]
fn every_last_receipt() {
    for setup in cuts(&Setup::new(50_000, vec![vec![Bind::PLAIN]])) {
        let mut pair = pair(setup);
        pair.link.loses =
            Box::new(|frame| matches!(frame, Frame::Credit { receipt, .. } if receipt.done));
        pair.run(60 * SECOND);
        assert_eq!(results(&pair), [Err(ReasonCode::Lost.into())]);
        assert_eq!((pair.port(0, 0).started, &pair.port(0, 0).end), (1, &Some(Ok(()))));
        assert!(pair.elapsed() < 12 * SECOND, "{:?}", pair.elapsed());
    }
}

#[test]
fn heads_of_replies() {
    for size in [0, 1, 50_000] {
        for setup in cuts(&Setup::reply(size)) {
            for times in 1..=3 {
                let lost = |frame: &Frame| matches!(frame, Frame::ReplyStream { .. });
                let pair = run_whole(losing(setup.clone(), times, lost), 1);
                assert!(pair.elapsed() < 5 * SECOND, "{:?}", pair.elapsed());
            }
        }
    }
}

#[test]
fn the_head_of_a_reply_whose_source_has_nothing_yet() {
    let mut lost = 0;
    let mut pair = pair(Setup { stalled: true, ..Setup::reply(50_000) });
    pair.link.loses = Box::new(move |_| {
        lost += 1;
        lost == 1
    });
    pair.run_for(SECOND);
    assert!(pair.port(0, 0).inbound.is_some(), "it knows of the reply");
    pair.run_for(SECOND * 60);
    assert_eq!(pair.outcome(), None, "a producer that waits is alive");
    pair.sender.stalled = false;
    run_whole(pair, 1);
}

#[test]
fn everything_for_less_than_the_idle_limit() {
    for setup in cuts(&Setup::new(4 << 20, vec![vec![Bind::PLAIN], vec![Bind::PLAIN]])) {
        let mut pair = pair(setup);
        pair.link.outage = SECOND / 100..8 * SECOND;
        run_whole(pair, 2);
    }
}

#[test]
fn everything_that_goes_to_all_at_once() {
    // Its binding has left, but a handler is still reading: it is served through its inbox.
    let instances = vec![vec![Bind::PLAIN], vec![Bind::PLAIN], vec![Bind::PLAIN]];
    let mut pair = pair(Setup::new(24 << 20, instances));
    pair.stations[1].is_deaf = true;
    let pair = run_whole(pair, 3);
    assert!(pair.elapsed() < 4 * SECOND, "{:?}", pair.elapsed());
}

#[test]
fn a_receiver_that_is_silent_for_seconds_is_not_flooded_and_goes_on() {
    use std::{cell::Cell, rc::Rc};

    let mut pair = pair(Setup::new(8 << 20, vec![vec![Bind::PLAIN]]));
    let sent = Rc::new(Cell::new(0));
    let count = Rc::clone(&sent);
    pair.link.loses = Box::new(move |frame| {
        if let Frame::Data { body, .. } = frame {
            count.set(count.get() + body.len());
        }
        false
    });
    pair.run_for(SECOND / 100);
    sent.set(0);
    pair.stations[0].is_dead = true;
    pair.run_for(3 * SECOND);
    assert!(sent.get() <= 6 * Setup::CHUNK + (1 << 20), "{}", sent.get());
    pair.stations[0].is_dead = false;
    let pair = run_whole(pair, 1);
    assert!(pair.elapsed() < 8 * SECOND);
}
