//! Who takes part in a body, and who does not.

use std::{collections::BTreeSet, time::Duration};

use conduit::{
    proto::{GroupOutcome, Outcome, Reason, ReasonCode},
    transport::{Target, Targets},
};

use crate::{
    MINUTE, pair,
    pair::{Bind, Pair, Reader, Setup},
    results, run_whole,
};

const MILLISECOND: Duration = Duration::from_millis(1);

fn overloaded() -> Reason {
    Reason::new(ReasonCode::Overloaded, "not now")
}

/// A quick receiver, and one whose answer arrives after a time.
fn with_slow_answer(size: usize, answer: u32) -> Pair {
    let setup = Setup::new(size, vec![vec![Bind::PLAIN], vec![Bind::PLAIN]]);
    let mut pair = pair(setup);
    // The window starts with the broker's word; the offer and the accept each take as long as that.
    pair.stations[1].answers_after = (answer - 1) * MILLISECOND;
    pair
}

#[test]
fn an_answer_within_the_join_window_takes_part_from_the_first_byte() {
    for size in [1, 1 << 20, 4 << 20] {
        run_whole(with_slow_answer(size, 249), 2);
    }
}

#[test]
fn an_answer_after_the_join_window_is_late() {
    let mut pair = with_slow_answer(4 << 20, 251);
    pair.run(MINUTE);
    assert_eq!(results(&pair), [Ok(()), Err(ReasonCode::Late.into())]);
    assert_eq!(pair.port(1, 0).started, 0, "its handler was not started");
    assert_eq!(pair.port(1, 0).end, Some(Err(ReasonCode::Late.into())));
}

#[test]
fn the_first_answer_after_the_join_window_opens_it_again() {
    let setup = Setup::new(4 << 20, vec![vec![Bind::PLAIN], vec![Bind::PLAIN]]);
    let mut pair = pair(setup);
    pair.stations[0].answers_after = 1_000 * MILLISECOND;
    pair.stations[1].answers_after = 1_249 * MILLISECOND;
    run_whole(pair, 2);
}

#[test]
fn plain_bindings_that_never_answer_are_silent() {
    let mut pair = pair(Setup::new(100, vec![vec![Bind::PLAIN.reading(Reader::Silent)]]));
    pair.run(MINUTE);
    assert!(pair.elapsed() >= Duration::from_secs(5));
    assert!(pair.elapsed() < Duration::from_secs(6));
    assert!(pair.outcome().is_some_and(|outcome| outcome.silent));
}

#[test]
fn nobody_waits_for_more_than_the_expected_receivers() {
    let mut setup = Setup::new(4 << 20, vec![vec![Bind::PLAIN], vec![Bind::PLAIN]]);
    setup.outbound.expect = Some(2);
    let pair = run_whole(pair(setup), 2);
    assert!(pair.elapsed() < 250 * MILLISECOND);
}

#[test]
fn a_refusal_counts_as_an_expected_receiver() {
    let instances = vec![vec![Bind::PLAIN], vec![Bind::PLAIN.refusing(1)]];
    let mut setup = Setup::new(4 << 20, instances);
    setup.outbound.expect = Some(2);
    let mut pair = pair(setup);
    pair.run(MINUTE);
    assert!(pair.elapsed() < 250 * MILLISECOND);
    assert_eq!(results(&pair), [Ok(()), Err(overloaded())]);
}

#[test]
fn where_nobody_is_bound_the_notice_ends_it_at_once() {
    for targets in [Targets::Plain, Targets::Group, Targets::Both] {
        let mut pair = pair(Setup { targets, ..Setup::new(100, vec![vec![]]) });
        pair.run(MINUTE);
        assert!(pair.elapsed() < 10 * MILLISECOND);
        let group = if targets.group() { GroupOutcome::Empty } else { GroupOutcome::NotAsked };
        let nobody = Outcome { deliveries: vec![], group, silent: false, aborted: None };
        assert_eq!(pair.outcome(), Some(&nobody));
    }
}

#[test]
fn a_group_without_members_does_not_keep_the_others_waiting() {
    let setup = Setup { targets: Targets::Both, ..Setup::new(4 << 20, vec![vec![Bind::PLAIN]]) };
    let pair = run_whole(pair(setup), 1);
    let group = pair.outcome().map(|outcome| outcome.group.clone());
    assert_eq!(group, Some(GroupOutcome::Empty));
}

fn group(binds: Vec<Bind>) -> Setup {
    Setup { targets: Targets::Group, ..Setup::new(100_000, vec![binds]) }
}

#[test]
fn a_refused_offer_is_made_again_until_a_member_takes_it() {
    let pair = run_whole(pair(group(vec![Bind::GROUP.refusing(3)])), 1);
    assert!(pair.elapsed() >= 70 * MILLISECOND, "each pause is longer");
    assert_eq!(pair.port(0, 0).started, 1);
}

#[test]
fn a_group_that_refuses_to_the_end_says_why() {
    let mut pair = pair(group(vec![Bind::GROUP.refusing(u32::MAX)]));
    pair.run(MINUTE);
    // A pause that would end after the send timeout is not waited for.
    assert!((4..5).contains(&pair.elapsed().as_secs()), "{:?}", pair.elapsed());
    let outcome = pair.outcome().expect("it has ended");
    assert_eq!(outcome.group, GroupOutcome::Refused(overloaded()));
    assert_eq!(outcome.deliveries, []);
}

#[test]
fn a_silent_group_ends_as_no_answer() {
    let mut pair = pair(group(vec![Bind::GROUP.reading(Reader::Silent)]));
    pair.run(MINUTE);
    assert!(pair.elapsed() >= Duration::from_secs(5));
    assert!(pair.elapsed() < Duration::from_secs(6));
    let group = pair.outcome().map(|outcome| outcome.group.clone());
    assert_eq!(group, Some(GroupOutcome::Silent));
}

#[test]
fn a_second_member_that_accepts_is_told_that_it_is_taken() {
    let member = vec![Bind { kind: Target::Group, ..Bind::PLAIN }];
    let mut setup = group(vec![]);
    setup.instances = vec![member.clone(), member];
    // Neither is heard until both have the offer: then they repeat themselves at the same time.
    let mut dice = [0, 1].into_iter().cycle();
    let roll = move |sides| {
        if sides == 2 { dice.next().unwrap_or(0) } else { 0 }
    };
    let mut pair = Pair::new(setup, Box::new(roll));
    let mut members = BTreeSet::new();
    pair.link.loses = Box::new(move |frame| {
        let conduit::proto::frame::Frame::Accept { receiver, .. } = frame else { return false };
        let is_new = members.insert(*receiver);
        is_new || members.len() < 2
    });
    pair.run(MINUTE);
    let started: u32 = pair.ports().map(|port| port.started).sum();
    assert_eq!(started, 1);
    assert_eq!(results(&pair), [Ok(())]);
    let taken = pair.ports().filter(|port| port.end == Some(Err(ReasonCode::Taken.into())));
    assert_eq!(taken.count(), 1);
}
