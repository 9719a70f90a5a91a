//! Wires that lose, delay and reorder: one answer, in time, and true.

use std::time::Duration;

use conduit::transport::{Target, Targets};
use proptest::{collection::vec, prelude::*};

use crate::{
    ask::{Bind, Body, Does, Play, Setup},
    seeded,
};

fn bind() -> impl Strategy<Value = Bind> {
    let target = prop_oneof![Just(Target::Plain), Just(Target::Group)];
    let time = (0..40_000u64).prop_map(Duration::from_millis);
    let does = prop_oneof![
        4 => time.clone().prop_map(Does::Replies),
        2 => time.prop_map(Does::Fails),
        1 => Just(Does::Misreads),
        1 => Just(Does::Dies),
    ];
    (target, does, prop_oneof![3 => Just(0), 1 => 0..40u32])
        .prop_map(|(target, does, refusals)| Bind::new(target, does).refusing(refusals))
}

fn setup() -> impl Strategy<Value = Setup> {
    let lanes: [&'static [Targets]; 2] = [&[Targets::Both], &[Targets::Plain, Targets::Group]];
    let lanes = (0..2usize).prop_map(move |at| lanes[at]);
    let deadline = proptest::option::of((1..60_000u64).prop_map(Duration::from_millis));
    let takes_all = prop_oneof![4 => Just(false), 1 => Just(true)];
    (lanes, takes_all, deadline, vec(vec(bind(), 0..3), 0..4)).prop_map(
        |(lanes, takes_all, deadline, instances)| {
            let lanes = if takes_all { &[Targets::Plain] } else { lanes };
            Setup { lanes, takes_all, deadline, ..Setup::new(instances) }
        },
    )
}

/// Of a streamed request, a binding may answer early, let it wait, or give it back.
fn streamed_bind() -> impl Strategy<Value = Bind> {
    let waits = prop_oneof![3 => Just(0), 1 => 0..3_000u64].prop_map(Duration::from_millis);
    let gives_back = prop_oneof![4 => Just(false), 1 => Just(true)];
    (bind(), any::<bool>(), waits, gives_back).prop_map(|(bind, is_early, waits, gives_back)| {
        Bind { is_early, waits, gives_back, ..bind }
    })
}

fn body() -> impl Strategy<Value = Body> {
    let pace = prop_oneof![Just(0), 0..3_000u64].prop_map(Duration::from_millis);
    let fails = prop_oneof![6 => Just(false), 1 => Just(true)];
    (0..40u32, pace, any::<bool>(), fails).prop_map(|(pieces, pace, is_known, fails)| Body {
        pieces,
        pace,
        is_known,
        fails,
    })
}

fn streamed() -> impl Strategy<Value = Setup> {
    let gives_up = prop_oneof![4 => Just(None), 1 => (0..30_000u64).prop_map(Some)];
    let instances = vec(vec(streamed_bind(), 0..4), 1..4);
    (setup(), body(), gives_up, instances).prop_map(|(setup, body, gives_up, instances)| {
        let gives_up = gives_up.map(Duration::from_millis);
        Setup { body: Some(body), gives_up, instances, ..setup }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn one_true_answer_in_time(
        setup in setup(),
        seed in any::<u64>(),
        loss in prop_oneof![Just(0), 0..30u64],
        delay in 1..3_000u64,
    ) {
        let mut play = Play::new(setup, seeded(seed));
        play.wire.loss = loss;
        play.wire.delay = 1..1 + delay;
        play.run();
    }

    #[test]
    fn one_true_answer_in_time_where_the_body_is_streamed(
        setup in streamed(),
        seed in any::<u64>(),
        loss in prop_oneof![Just(0), 0..30u64],
        delay in prop_oneof![1..100u64, 1..3_000u64],
    ) {
        let mut play = Play::new(setup, seeded(seed));
        play.wire.loss = loss;
        play.wire.delay = 1..1 + delay;
        play.run();
    }
}
