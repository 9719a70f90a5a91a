//! What an answerer says, and when it needs to answer no more.

use std::time::{Duration, Instant};

use conduit::{
    InstanceId, MessageId,
    proto::{Answerer, Detail, ReasonCode, frame::Frame},
    transport::Target,
};

const IDLE: Duration = Duration::from_secs(12);
/// Between two signs of life.
const PAUSE: Duration = Duration::from_secs(2);

fn ids() -> (MessageId, InstanceId) {
    (MessageId::from_bytes([1; MessageId::LEN]), InstanceId::from_bytes([2; InstanceId::LEN]))
}

fn whole(now: Instant) -> Answerer {
    let (message, instance) = ids();
    Answerer::whole(now, message, instance, Target::Group, IDLE)
}

fn streamed(now: Instant) -> Answerer {
    let (message, instance) = ids();
    Answerer::streamed(now, message, instance, Target::Plain, IDLE)
}

/// The failure that it says, and whether the function of its handler was called.
fn failure(answerer: &mut Answerer) -> Option<(ReasonCode, bool)> {
    match answerer.poll_transmit() {
        Some(Frame::Failure { reason, started, .. }) => Some((reason.code, started)),
        Some(frame) => panic!("no failure: {frame:?}"),
        None => None,
    }
}

/// When it says that it is alive, in seconds, over a minute.
fn signs(answerer: &mut Answerer, start: Instant) -> Vec<u64> {
    let mut signs = Vec::new();
    while let Some(at) = answerer.poll_timeout() {
        let elapsed = (at - start).as_secs();
        if elapsed >= 60 {
            break;
        }
        answerer.handle_timeout(at);
        assert!(matches!(answerer.poll_transmit(), Some(Frame::Alive { .. })));
        assert_eq!(answerer.poll_transmit(), None);
        signs.push(elapsed);
    }
    signs
}

#[test]
fn only_the_first_answers() {
    let mut answerer = whole(Instant::now());
    answerer.start();
    assert!(answerer.reply());
    assert!(!answerer.reply());
    answerer.fail(ReasonCode::HandlerFailed.into(), Detail::default());
    answerer.give_up();
    assert_eq!(failure(&mut answerer), None);
}

#[test]
fn a_reply_that_is_not_finished_is_broken_off() {
    let mut answerer = whole(Instant::now());
    answerer.begin();
    assert!(answerer.reply());
    answerer.break_off(ReasonCode::BodyFailed.into(), Detail::default());
    assert_eq!(failure(&mut answerer), Some((ReasonCode::BodyFailed, true)));
    answerer.give_up();
    assert_eq!(failure(&mut answerer), None);
}

#[test]
fn what_is_given_up_says_how_far_it_was() {
    type Step = fn(&mut Answerer);
    let cases: [(&[Step], ReasonCode, bool); 5] = [
        (&[], ReasonCode::Draining, false),
        (&[Answerer::start], ReasonCode::NoReply, false),
        (&[Answerer::start, Answerer::begin], ReasonCode::NoReply, true),
        (&[Answerer::handle_cancel], ReasonCode::Cancelled, false),
        (&[Answerer::begin, Answerer::handle_cancel], ReasonCode::Cancelled, true),
    ];
    for (steps, code, started) in cases {
        for mut answerer in [whole(Instant::now()), streamed(Instant::now())] {
            steps.iter().for_each(|step| step(&mut answerer));
            answerer.give_up();
            assert_eq!(failure(&mut answerer), Some((code, started)));
        }
    }
}

#[test]
fn it_says_that_it_is_alive_six_times_in_the_idle_limit() {
    let start = Instant::now();
    let expected: Vec<u64> = (1..60).step_by(2).collect();
    assert_eq!(signs(&mut whole(start), start), expected);
}

#[test]
fn an_offer_says_nothing_before_a_handler_has_it() {
    let start = Instant::now();
    let mut answerer = streamed(start);
    answerer.handle_timeout(start + IDLE);
    assert_eq!((answerer.poll_timeout(), answerer.poll_transmit()), (None, None));
    answerer.start();
    answerer.handle_timeout(start + IDLE);
    assert!(matches!(answerer.poll_transmit(), Some(Frame::Alive { .. })));
    assert_eq!(answerer.poll_timeout(), Some(start + IDLE + PAUSE));
}

/// The notices of six signs in a row come back.
#[test]
fn an_asker_that_is_away_for_the_idle_limit_needs_no_answer() {
    let mut now = Instant::now();
    let mut answerer = whole(now);
    let mut away = 0;
    while !answerer.is_cancelled() {
        now = answerer.poll_timeout().expect("it says that it is alive");
        answerer.handle_timeout(now);
        assert!(answerer.poll_transmit().is_some());
        answerer.handle_undelivered();
        away += 1;
        assert!(away <= 7, "it runs on");
    }
    assert_eq!(away, 7);
}

#[test]
fn an_asker_that_is_back_in_time_gets_its_answer() {
    let mut now = Instant::now();
    let mut answerer = whole(now);
    for sign in 0..100 {
        now = answerer.poll_timeout().expect("it says that it is alive");
        answerer.handle_timeout(now);
        if sign % 6 != 0 {
            answerer.handle_undelivered();
        }
    }
    assert!(!answerer.is_cancelled());
}

#[test]
fn a_cancel_while_it_is_being_answered_changes_nothing() {
    let mut answerer = whole(Instant::now());
    assert!(answerer.reply());
    answerer.handle_cancel();
    assert!(!answerer.is_cancelled());
}
