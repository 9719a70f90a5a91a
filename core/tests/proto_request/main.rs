//! An asker against those who answer, on a virtual clock, over wires that lose, delay and reorder.

mod answerer;
mod any_wire;
mod ask;
mod streamed;

use std::time::Duration;

use conduit::{
    Executed,
    proto::{AskerEvent, ReasonCode},
    transport::{
        Target::{Group, Plain},
        Targets,
    },
};

use self::ask::{Answer, Bind, Dice, Does, Packet, Play, Setup};

const SECOND: Duration = Duration::from_secs(1);
const SOON: Does = Does::Replies(Duration::from_millis(3));

fn seeded(seed: u64) -> Dice {
    let mut rng = fastrand::Rng::with_seed(seed);
    Box::new(move |sides| rng.u64(..sides))
}

/// Plays it without any loss.
fn play(setup: Setup) -> Play {
    let mut play = Play::new(setup, seeded(7));
    play.run();
    play
}

/// The failure that was the answer, and whether a handler was executed.
fn failure(play: &Play) -> (ReasonCode, Executed) {
    match &play.answers[..] {
        [Answer::Event(AskerEvent::Failed { failure, executed })] => {
            (failure.reason.code, *executed)
        }
        answers => panic!("no failure: {answers:?}"),
    }
}

#[test]
fn the_first_reply_is_the_answer() {
    let slow = Does::Replies(3 * SECOND);
    let play = play(Setup::new(vec![vec![Bind::new(Plain, slow)], vec![Bind::new(Group, SOON)]]));
    let instance = play.stations[1].instance();
    assert_eq!(play.answers, [Answer::Reply(instance)]);
    assert_eq!((play.ran(), play.asked), (2, 1), "both have got it");
    assert!(play.answered() < SECOND);
}

#[test]
fn a_handler_that_takes_long_is_waited_for() {
    let play = play(Setup::new(vec![vec![Bind::new(Group, Does::Replies(60 * SECOND))]]));
    assert!(matches!(play.answers[..], [Answer::Reply(_)]));
    assert!(play.answered() > 60 * SECOND);
}

#[test]
fn a_group_that_refuses_is_asked_again_alone() {
    let group = Bind::new(Group, SOON).refusing(3);
    let play = play(Setup::new(vec![vec![Bind::new(Plain, Does::Dies)], vec![group]]));
    assert!(matches!(play.answers[..], [Answer::Reply(_)]));
    assert_eq!((play.asked, play.ran()), (4, 2), "plain bindings are not asked twice");
}

/// Until there is no time for one more refusal. What a plain binding did is known where the broker says
/// that there is none, which it does of a packet of its own.
#[test]
fn a_group_that_refuses_for_ever_has_refused() {
    let apart: &[Targets] = &[Targets::Plain, Targets::Group];
    for (lanes, executed) in [(&[Targets::Both][..], Executed::Maybe), (apart, Executed::No)] {
        let instances = vec![vec![Bind::new(Group, SOON).refusing(u32::MAX)]];
        let setup = Setup { lanes, deadline: Some(SECOND), ..Setup::new(instances) };
        let play = play(setup);
        assert_eq!(failure(&play), (ReasonCode::Overloaded, executed));
        assert!(play.answered() > SECOND / 2, "{:?}", play.answered());
    }
}

#[test]
fn a_plain_binding_that_replies_while_the_group_refuses_is_the_answer() {
    let plain = Bind::new(Plain, Does::Replies(SECOND / 2));
    let group = Bind::new(Group, SOON).refusing(u32::MAX);
    let play = play(Setup::new(vec![vec![plain], vec![group]]));
    assert!(matches!(play.answers[..], [Answer::Reply(_)]));
    assert!(play.answered() < SECOND);
}

#[test]
fn what_a_plain_binding_fails_with_counts_where_there_is_no_group() {
    let instances = vec![vec![Bind::new(Plain, Does::Fails(Duration::ZERO))]];
    let play = play(Setup::new(instances));
    assert_eq!(failure(&play), (ReasonCode::HandlerFailed, Executed::Yes));
    assert_eq!(play.probed, 1);
    assert!(play.answered() < SECOND);
}

/// That one did not run says nothing of the others.
#[test]
fn what_one_plain_binding_did_not_do_another_one_may_have_done() {
    let instances = vec![vec![Bind::new(Plain, Does::Misreads), Bind::new(Plain, Does::Dies)]];
    let play = play(Setup::new(instances));
    assert_eq!(failure(&play), (ReasonCode::NotDecoded, Executed::Maybe));
}

#[test]
fn what_the_group_did_not_do_a_plain_binding_may_have_done() {
    let apart: &[Targets] = &[Targets::Plain, Targets::Group];
    let group = vec![Bind::new(Group, Does::Misreads)];
    for plain in [vec![], vec![Bind::new(Plain, Does::Dies)]] {
        for lanes in [&[Targets::Both][..], apart] {
            let is_known = plain.is_empty() && lanes.len() == 2;
            let play = play(Setup { lanes, ..Setup::new(vec![plain.clone(), group.clone()]) });
            let executed = if is_known { Executed::No } else { Executed::Maybe };
            assert_eq!(failure(&play), (ReasonCode::NotDecoded, executed));
        }
    }
}

#[test]
fn beside_a_silent_group_a_plain_failure_is_no_more_than_a_cause() {
    let plain = Bind::new(Plain, Does::Misreads);
    let instances = vec![vec![plain], vec![Bind::new(Group, Does::Dies)]];
    let play = play(Setup::new(instances));
    let [Answer::Event(AskerEvent::NoAnswer { failure: Some(failure) })] = &play.answers[..] else {
        panic!("{:?}", play.answers);
    };
    assert_eq!(failure.reason.code, ReasonCode::NotDecoded);
    assert!(play.probed > 1, "it was asked again");
}

#[test]
fn a_handler_that_falls_silent_is_lost() {
    let mut play =
        Play::new(Setup::new(vec![vec![Bind::new(Group, Does::Replies(60 * SECOND))]]), seeded(7));
    play.wire.loses = Box::new({
        let mut alive = 0;
        move |packet| {
            alive += u32::from(matches!(packet, Packet::Alive(..)));
            alive > 3
        }
    });
    play.run();
    let lost = Some(play.stations[0].instance());
    let event = AskerEvent::Lost { instance: lost, failure: None };
    assert_eq!(play.answers, [Answer::Event(event)]);
}

#[test]
fn nobody_is_there() {
    for lanes in [&[Targets::Both][..], &[Targets::Plain, Targets::Group]] {
        let play = play(Setup { lanes, ..Setup::new(vec![vec![]]) });
        assert_eq!(play.answers, [Answer::Event(AskerEvent::NoReceivers)]);
        assert!(play.answered() < SECOND);
    }
}

#[test]
fn the_deadline_ends_it_and_cancels_the_handler() {
    let instances = vec![vec![Bind::new(Group, Does::Replies(60 * SECOND))]];
    let play = play(Setup { deadline: Some(SECOND), ..Setup::new(instances) });
    assert_eq!(play.answers, [Answer::Event(AskerEvent::Deadline)]);
    assert_eq!(play.answered(), SECOND);
    assert!(play.elapsed() < 2 * SECOND, "the handler was told");
}

#[test]
fn all_answers_are_taken_until_nothing_more_is_heard() {
    let slow = Does::Replies(20 * SECOND);
    let binds = |does| vec![Bind::new(Plain, does), Bind::new(Group, SOON)];
    let instances = vec![binds(SOON), binds(Does::Fails(SECOND)), binds(slow)];
    let lanes = &[Targets::Plain];
    let play = play(Setup { lanes, takes_all: true, ..Setup::new(instances) });
    let [Answer::Reply(_), Answer::Event(failed), Answer::Reply(_), Answer::Event(end)] =
        &play.answers[..]
    else {
        panic!("{:?}", play.answers);
    };
    assert!(matches!(failed, AskerEvent::Failed { executed: Executed::Yes, .. }), "{failed:?}");
    assert!(matches!(end, AskerEvent::Lost { .. }), "{end:?}");
    assert_eq!(play.ran(), 3, "the group is not asked");
}
