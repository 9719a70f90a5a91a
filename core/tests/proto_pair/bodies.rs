//! Bodies of every size, to every kind of receiver.

use conduit::{proto::GroupOutcome, transport::Targets};

use crate::{
    cuts, pair,
    pair::{Bind, Setup},
    run_whole,
};

const SIZES: [usize; 6] = [0, 1, Setup::CHUNK - 1, Setup::CHUNK, Setup::CHUNK + 1, 1 << 20];

/// Each size, of known and unknown length, in all cuts.
fn every_body(setup: impl Fn(usize) -> Setup) -> impl Iterator<Item = Setup> {
    let setups = SIZES.map(setup);
    setups
        .into_iter()
        .flat_map(|setup| cuts(&setup))
        .flat_map(|setup| [true, false].map(|known| Setup { known, ..setup.clone() }))
}

#[test]
fn one_to_one() {
    for setup in every_body(|size| Setup::new(size, vec![vec![Bind::PLAIN]])) {
        run_whole(pair(setup), 1);
    }
}

#[test]
fn a_reply() {
    for setup in every_body(Setup::reply) {
        let pair = run_whole(pair(setup), 1);
        assert!(pair.elapsed().as_millis() < 250, "nothing was waited for");
    }
}

#[test]
fn to_several_bindings_of_one_instance_and_of_others() {
    let instances = || vec![vec![Bind::PLAIN, Bind::PLAIN], vec![Bind::PLAIN], vec![]];
    for setup in every_body(|size| Setup::new(size, instances())) {
        run_whole(pair(setup), 3);
    }
}

#[test]
fn to_one_member_of_a_group() {
    let group = |size| Setup {
        targets: Targets::Group,
        ..Setup::new(size, vec![vec![Bind::GROUP, Bind::GROUP], vec![Bind::GROUP]])
    };
    for setup in every_body(group) {
        let pair = run_whole(pair(setup), 1);
        let outcome = pair.outcome().expect("it has ended");
        let receiver = outcome.deliveries[0].receiver;
        assert_eq!(outcome.group, GroupOutcome::Accepted(receiver));
    }
}

#[test]
fn to_plain_bindings_and_a_group_at_once() {
    let instances = || {
        let both = vec![Bind::PLAIN, Bind::GROUP];
        vec![both.clone(), both, vec![Bind::PLAIN]]
    };
    let both = |size| Setup { targets: Targets::Both, ..Setup::new(size, instances()) };
    for setup in every_body(both) {
        run_whole(pair(setup), 4);
    }
}

#[test]
fn a_body_of_one_window_does_not_wait_for_the_join_window() {
    let mut pair = pair(Setup::new(64 * 1024, vec![vec![Bind::PLAIN]]));
    pair.run_for(std::time::Duration::from_millis(100));
    assert_eq!(pair.port(0, 0).end, Some(Ok(())));
}
