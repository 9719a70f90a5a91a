//! Requests whose body is streamed.

use std::time::Duration;

use conduit::{
    Executed,
    proto::{AskerEvent, ReasonCode, frame::Frame},
    transport::{
        Target::{Group, Plain},
        Targets,
    },
};

use crate::{
    SECOND, SOON,
    ask::{
        Answer, Bind, Body, Does, Packet, Play, Setup, Station,
        not_sent::{Cause, NotSent},
    },
    failure, play, seeded,
};

const SHORT: Body = Body::new(20, Duration::ZERO);
/// Takes ten seconds.
const LONG: Body = Body::new(20, Duration::from_millis(500));
const WHILE_IT_READS: Does = Does::Replies(Duration::ZERO);

/// Why its body was not sent, to whom, and whether a handler was executed.
fn not_sent(play: &Play) -> &NotSent {
    match &play.answers[..] {
        [Answer::NotSent(not_sent)] => not_sent,
        answers => panic!("something else: {answers:?}"),
    }
}

#[test]
fn a_handler_that_has_the_whole_body_replies() {
    let slow = Bind::new(Group, Does::Replies(60 * SECOND));
    for (body, bind) in
        [(SHORT, Bind::new(Group, SOON)), (LONG, Bind::new(Plain, SOON)), (SHORT, slow)]
    {
        let play = play(Setup::streamed(body, vec![vec![bind]]));
        assert_eq!(play.answers, [Answer::Reply(play.stations[0].instance())]);
        assert_eq!(play.ran(), 1);
    }
}

#[test]
fn a_reply_may_come_before_the_end_of_the_body() {
    let play = play(Setup::streamed(LONG, vec![vec![Bind::new(Group, SOON).early()]]));
    assert!(matches!(play.answers[..], [Answer::Reply(_)]));
    assert!(play.answered() < SECOND / 10, "{:?}", play.answered());
    assert!(play.elapsed() < SECOND, "nobody reads the rest: {:?}", play.elapsed());
}

#[test]
fn a_group_that_refuses_the_offer_is_offered_it_again() {
    let group = Bind::new(Group, SOON).refusing(2);
    let play = play(Setup::streamed(SHORT, vec![vec![group]]));
    assert!(matches!(play.answers[..], [Answer::Reply(_)]));
    assert_eq!(
        (play.asked, play.ran()),
        (4, 1),
        "once to plain bindings, three times to the group"
    );
}

/// What a plain binding did is known of a body: it was confirmed or not.
#[test]
fn a_group_that_refuses_for_ever_has_refused() {
    let refusing = Bind::new(Group, SOON).refusing(u32::MAX);
    let plain = Bind::new(Plain, Does::Dies);
    for (plain, executed) in [(vec![], Executed::No), (vec![plain], Executed::Maybe)] {
        let instances = vec![vec![refusing], plain];
        // By then the plain binding, which dies, is given up.
        let deadline = Some(15 * SECOND);
        let body = Body::new(4, Duration::ZERO);
        let play = play(Setup { deadline, ..Setup::streamed(body, instances) });
        let not_sent = not_sent(&play);
        let expected = (Cause::Reason(ReasonCode::Overloaded), executed);
        assert_eq!((not_sent.cause, not_sent.executed), expected);
    }
}

#[test]
fn what_a_member_gives_back_another_one_handles() {
    let mut given_back = 0;
    for seed in 0..20 {
        let busy = Bind::new(Group, SOON).waiting(SECOND).giving_back();
        let instances = vec![vec![busy], vec![Bind::new(Group, SOON)]];
        let mut play = Play::new(Setup::streamed(SHORT, instances), seeded(seed));
        play.run();
        assert_eq!(play.answers, [Answer::Reply(play.stations[1].instance())]);
        assert_eq!(play.ran(), 1);
        given_back += u32::from(play.answered() > SECOND);
    }
    assert!(given_back > 0, "none was given back");
}

/// It may have done half of the work, so that no other member gets it.
#[test]
fn the_member_that_has_it_dies_half_way() {
    let dies = Bind::new(Group, Does::Dies);
    let play = play(Setup::streamed(LONG, vec![vec![dies], vec![dies]]));
    let lost = not_sent(&play);
    let expected = (Cause::Reason(ReasonCode::Lost), Executed::Maybe);
    assert_eq!((lost.cause, lost.executed), expected);
    let died = play.stations.iter().filter(|station| station.ran().count() > 0);
    assert!(died.map(Station::instance).eq(lost.by));
    assert_eq!(play.ran(), 1);
    // Half of the body, and the idle limit.
    assert!((14 * SECOND..17 * SECOND).contains(&play.answered()), "{:?}", play.answered());
}

#[test]
fn the_deadline_passes_half_way() {
    let bind = Bind::new(Group, WHILE_IT_READS);
    let deadline = Some(3 * SECOND);
    let play = play(Setup { deadline, ..Setup::streamed(LONG, vec![vec![bind]]) });
    assert_eq!(play.answers, [Answer::Deadline(Executed::Maybe)]);
    assert_eq!((play.answered(), play.ran()), (3 * SECOND, 0));
    assert!(play.elapsed() < 4 * SECOND, "both sides end: {:?}", play.elapsed());
}

/// The deadline is known to have passed before any handler could start.
#[test]
fn the_deadline_passes_before_a_member_is_confirmed() {
    let setup = Setup::streamed(SHORT, vec![vec![Bind::new(Group, SOON)]]);
    let mut play = Play::new(Setup { deadline: Some(2 * SECOND), ..setup }, seeded(7));
    let is_accept = |packet: &Packet| matches!(packet, Packet::ToAsker(Frame::Accept { .. }));
    play.wire.loses = Box::new(is_accept);
    play.run();
    assert_eq!(play.answers, [Answer::Deadline(Executed::No)]);
}

#[test]
fn one_that_is_dropped_half_way_is_cancelled() {
    let bind = Bind::new(Group, WHILE_IT_READS);
    let gives_up = Some(3 * SECOND);
    let play = play(Setup { gives_up, ..Setup::streamed(LONG, vec![vec![bind]]) });
    assert_eq!(play.answers, [Answer::GivenUp(Executed::Maybe)]);
    assert!(play.elapsed() < 4 * SECOND, "both sides end: {:?}", play.elapsed());
}

#[test]
fn a_source_that_fails_is_the_answer() {
    let body = Body { fails: true, ..SHORT };
    let play = play(Setup::streamed(body, vec![vec![Bind::new(Group, SOON)]]));
    let cause = Cause::Reason(ReasonCode::BodyFailed);
    assert_eq!(*not_sent(&play), NotSent { by: None, cause, executed: Executed::Maybe });
}

#[test]
fn nobody_is_there() {
    let play = play(Setup::streamed(SHORT, vec![vec![]]));
    let cause = Cause::NoReceivers;
    assert_eq!(*not_sent(&play), NotSent { by: None, cause, executed: Executed::No });
    assert!(play.answered() < SECOND);
}

/// Of plain bindings it is known whether one was confirmed.
#[test]
fn what_the_group_did_not_do_a_plain_binding_may_have_done() {
    let group = vec![Bind::new(Group, Does::Misreads)];
    let dies = vec![Bind::new(Plain, Does::Dies)];
    for (plain, executed) in [(vec![], Executed::No), (dies, Executed::Maybe)] {
        let play = play(Setup::streamed(SHORT, vec![plain, group.clone()]));
        assert_eq!(failure(&play), (ReasonCode::NotDecoded, executed));
    }
}

#[test]
fn all_answers_are_taken_until_nothing_more_is_heard() {
    let binds = |bind| vec![bind, Bind::new(Group, SOON)];
    let early = binds(Bind::new(Plain, SOON).early());
    let fails = binds(Bind::new(Plain, Does::Fails(SECOND)));
    let refuses = binds(Bind::new(Plain, SOON).refusing(1));
    let lanes = &[Targets::Plain];
    let instances = vec![early, fails, refuses];
    let play = play(Setup { lanes, takes_all: true, ..Setup::streamed(LONG, instances) });
    let [Answer::Reply(_), Answer::NotSent(refused), Answer::Event(failed), Answer::Event(end)] =
        &play.answers[..]
    else {
        panic!("{:?}", play.answers);
    };
    assert!(matches!(failed, AskerEvent::Failed { executed: Executed::Yes, .. }), "{failed:?}");
    let expected = (Cause::Reason(ReasonCode::Overloaded), Executed::No);
    assert_eq!((refused.cause, refused.executed), expected);
    assert!(matches!(end, AskerEvent::Lost { .. }), "{end:?}");
    assert_eq!(play.ran(), 2, "the group is not asked");
}
