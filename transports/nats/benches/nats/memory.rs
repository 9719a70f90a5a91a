//! How much memory it takes.

use conduit_bench::{Bench, Resident, Unit, peak_over};
use conduit_json::Json;

use crate::{streams, world::World};

const LENGTH: u64 = 4 << 30;
const BINDINGS: u32 = 1_000;
const REQUESTS: u32 = 10_000;

pub(crate) fn run(bench: &mut Bench, world: &World) {
    let case = world.case("memory: both sides of 4 GiB, above idle");
    if bench.wants(&case) {
        let length = bench.options().amount(LENGTH);
        let peak = peak_over(|| {
            streams::to_bindings(world, length, 1);
        });
        if let Some(peak) = peak {
            bench.single(&case, Unit::Mebibytes.into(), &[number(peak) / f64::from(1 << 20)]);
        }
    }
    let case = world.case("memory: an idle binding");
    if bench.wants(&case) {
        let receiver = world.conduit("receiver", Json);
        let bindings = u32::try_from(bench.options().amount(BINDINGS.into())).unwrap_or(BINDINGS);
        let bind = async move {
            let mut bound = Vec::new();
            for number in 0..bindings {
                bound.push(receiver.bind(format!("subject.{number}")).await.expect("a binding"));
            }
            bound
        };
        let each = growth(bindings, || world.under.run(bind));
        if let Some(each) = each {
            bench.single(&case, Unit::Bytes.into(), &[each]);
        }
    }
    let case = world.case("memory: a pending request");
    if bench.wants(&case) {
        let (asker, answerer) = (world.conduit("asker", Json), world.conduit("answerer", Json));
        let requests = u32::try_from(bench.options().amount(REQUESTS.into())).unwrap_or(REQUESTS);
        let service = asker.service("answerer");
        // They wait here for their answers, which nobody gives. Members of a group would refuse them
        // once one has waited for long.
        let ask = async move {
            let mut bindings = Vec::new();
            for number in 0..requests.div_ceil(1_000) {
                bindings.push(answerer.bind(format!("never.{number}")).await.expect("bound"));
            }
            bindings
        };
        let bindings = world.under.run(ask);
        let each = growth(requests, || {
            let pending: Vec<_> = (0..requests)
                .map(|number| {
                    let service = service.clone();
                    world.under.spawn(async move {
                        service.request_body(format!("never.{}", number / 1_000), "?").await
                    })
                })
                .collect();
            // All of them have arrived.
            while bindings.iter().map(conduit::Binding::waiting).sum::<usize>() < requests as usize
            {
                std::thread::yield_now();
            }
            pending
        });
        if let Some(each) = each {
            bench.single(&case, Unit::Bytes.into(), &[each]);
        }
    }
}

/// The bytes that each of `count` things adds to the memory of the process.
fn growth<T>(count: u32, make: impl FnOnce() -> T) -> Option<f64> {
    let before = Resident::get()?.now;
    let made = make();
    let after = Resident::get()?.now;
    drop(made);
    Some(number(after.saturating_sub(before)) / f64::from(count))
}

#[allow(clippy::cast_precision_loss)]
fn number(bytes: u64) -> f64 {
    bytes as f64
}
