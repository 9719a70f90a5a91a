//! Everything that ends a body before its end.

use std::time::Duration;

use conduit::proto::{Reason, ReasonCode};

use crate::{
    MINUTE, cuts, pair,
    pair::{Bind, Reader, Setup},
    results,
};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_source_that_fails_resets_every_receiver_with_its_text() {
    let instances = vec![vec![Bind::PLAIN], vec![Bind::PLAIN, Bind::PLAIN]];
    for fails_at in [0, 1, 50_000, 3 << 20] {
        for setup in cuts(&Setup::new(4 << 20, instances.clone())) {
            let mut pair = pair(Setup { fails_at: Some(fails_at), ..setup });
            pair.run(MINUTE);
            let failed = Reason::new(ReasonCode::BodyFailed, "disk on fire");
            assert_eq!(results(&pair).last(), Some(&Err(failed.clone())));
            let aborted = pair.outcome().and_then(|outcome| outcome.aborted.clone());
            assert_eq!(aborted, Some(failed.clone()));
            for port in pair.ports().filter(|port| port.started > 0) {
                assert_eq!(port.end, Some(Err(failed.clone())));
            }
        }
    }
}

#[test]
fn a_sender_that_gives_up_tells_those_that_answer_after_it() {
    let mut pair = pair(Setup::new(100, vec![vec![Bind::PLAIN]]));
    pair.abort(ReasonCode::Cancelled.into());
    pair.run(MINUTE);
    assert_eq!(pair.port(0, 0).started, 0);
    assert_eq!(pair.ports().filter(|port| port.end == Some(Ok(()))).count(), 0);
    assert!(pair.elapsed() < SECOND);
}

#[test]
fn a_reader_that_stops_reaches_the_sender() {
    for after in [0, 1, 100_000, 3 << 20] {
        let reader = Bind::PLAIN.reading(Reader::Drops(after));
        for setup in cuts(&Setup::new(4 << 20, vec![vec![reader], vec![Bind::PLAIN]])) {
            let mut pair = pair(setup);
            pair.run(MINUTE);
            assert_eq!(results(&pair), [Err(ReasonCode::Dropped.into()), Ok(())]);
            assert!(pair.elapsed() < 2 * SECOND);
        }
    }
}

#[test]
fn a_receiver_that_dies_is_given_up_within_the_idle_limit() {
    for setup in cuts(&Setup::new(4 << 20, vec![vec![Bind::PLAIN], vec![Bind::PLAIN]])) {
        let mut pair = pair(setup);
        pair.run_for(SECOND / 200);
        pair.stations[1].is_dead = true;
        pair.run(MINUTE);
        assert_eq!(results(&pair), [Ok(()), Err(ReasonCode::Lost.into())]);
        assert!(pair.elapsed() < 11 * SECOND);
    }
}

#[test]
fn a_sender_that_dies_is_given_up_within_the_idle_limit() {
    for setup in cuts(&Setup::new(4 << 20, vec![vec![Bind::PLAIN], vec![Bind::PLAIN]])) {
        let mut pair = pair(setup);
        pair.run_for(SECOND / 200);
        pair.sender.is_dead = true;
        pair.run(MINUTE);
        assert!(pair.elapsed() < 11 * SECOND);
        for port in pair.ports() {
            assert_eq!(port.end, Some(Err(ReasonCode::Lost.into())));
        }
    }
}

#[test]
fn a_sender_that_dies_before_it_confirms_leaves_nothing_behind() {
    for size in [0, 100, 4 << 20] {
        let mut pair = pair(Setup { known: true, ..Setup::new(size, vec![vec![Bind::PLAIN]]) });
        pair.link.loses =
            Box::new(|frame| matches!(frame, conduit::proto::frame::Frame::Confirm { .. }));
        pair.run_for(SECOND);
        pair.sender.is_dead = true;
        pair.run(MINUTE);
        assert!(pair.elapsed() < 12 * SECOND);
        assert_eq!(pair.port(0, 0).started, 0);
        assert_eq!(pair.port(0, 0).end, Some(Err(ReasonCode::Lost.into())));
    }
}

#[test]
fn a_sender_that_forgot_the_stream_says_so() {
    let reader = Bind::PLAIN.reading(Reader::Never);
    let mut pair = pair(Setup::new(4 << 20, vec![vec![reader]]));
    pair.run_for(SECOND);
    pair.sender.outbound = None;
    pair.run(MINUTE);
    assert_eq!(pair.port(0, 0).end, Some(Err(ReasonCode::Gone.into())));
    assert!(pair.elapsed() < 5 * SECOND);
}
