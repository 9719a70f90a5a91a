//! Links that lose, repeat, delay and overtake: everything or an error, and soon.

use std::time::Duration;

use conduit::transport::Targets;
use proptest::{collection::vec, prelude::*};

use crate::{
    pair::{Bind, Pair, Reader, Setup},
    seeded,
};

fn reader() -> impl Strategy<Value = Reader> {
    prop_oneof![
        6 => Just(Reader::Eager),
        1 => (1..200u64).prop_map(|micros| Reader::Paced(Duration::from_micros(micros))),
        1 => (0..100_000usize).prop_map(Reader::Drops),
        1 => Just(Reader::Silent),
    ]
}

fn bind() -> impl Strategy<Value = Bind> {
    let kind = prop_oneof![Just(Bind::PLAIN), Just(Bind::GROUP)];
    (kind, reader(), 0..3u32).prop_map(|(bind, reader, refusals)| {
        bind.reading(reader).refusing(refusals.saturating_sub(1))
    })
}

fn setup() -> impl Strategy<Value = Setup> {
    let targets = prop_oneof![Just(Targets::Plain), Just(Targets::Group), Just(Targets::Both)];
    let size = prop_oneof![0..3usize, 0..300_000usize];
    let fails = prop_oneof![9 => Just(None), 1 => (0..200_000usize).prop_map(Some)];
    let instances = vec(vec(bind(), 0..3), 0..4);
    let pieces = vec(100..20_000usize, 1..4);
    let small = prop_oneof![3 => Just(Setup::WINDOW), 1 => Just(40_000)];
    ((any::<bool>(), any::<bool>(), targets, fails), (size, pieces, instances, small)).prop_map(
        |((known, reply, targets, fails_at), (size, pieces, instances, window))| {
            let mut setup = if reply { Setup::reply(size) } else { Setup::new(size, instances) };
            setup.outbound.window = window;
            setup.inbound.window = window;
            Setup { known, targets, fails_at, pieces, ..setup }
        },
    )
}

proptest! {
    #[test]
    fn all_or_an_error_and_soon(
        setup in setup(),
        seed in any::<u64>(),
        (loss, repeats) in (0..=10u64, 0..=10u64),
        delay in 1..40u64,
        in_order in any::<bool>(),
        outage in prop_oneof![3 => Just(0..0), 1 => (0..500u64, 0..15_000u64).prop_map(|(from, time)| from..from + time)],
    ) {
        let mut pair = Pair::new(setup, seeded(seed));
        pair.link.loss = loss;
        pair.link.repeats = repeats;
        pair.link.delay = 1..1 + delay;
        pair.link.in_order = in_order;
        pair.link.outage = Duration::from_millis(outage.start)..Duration::from_millis(outage.end);
        pair.run(Duration::from_secs(600));
    }
}
