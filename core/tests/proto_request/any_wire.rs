//! Wires that lose, delay and reorder: one answer, in time, and true.

use std::time::Duration;

use conduit::transport::{Target, Targets};
use proptest::{collection::vec, prelude::*};

use crate::{
    ask::{Bind, Does, Play, Setup},
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
            Setup { lanes, takes_all, deadline, instances }
        },
    )
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
}
