//! An asker and those who answer, over wires that do whatever the bytes say.

#[allow(dead_code, reason = "the tests of the core use more of it")]
#[path = "../../core/tests/proto_request/ask/mod.rs"]
mod harness;

use std::time::Duration;

use conduit::transport::{Target, Targets};

use self::harness::{Bind, Body, Does, Play, Setup};

/// Makes a request over arbitrary wires: there is one answer, in time, and what it says is true.
pub fn request(data: &[u8]) {
    let (shape, chance) = data.split_at_checked(16).unwrap_or((data, &[]));
    let at = |index: usize| shape.get(index).copied().unwrap_or_default();
    let mut play = Play::new(setup(at), super::dice(chance));
    play.wire.loss = u64::from(at(13) % 40);
    play.wire.delay = 1..2 + 16 * u64::from(at(14));
    play.run();
}

fn setup(at: impl Fn(usize) -> u8) -> Setup {
    let instances = (1..4).map(|instance| {
        let bind = |number| {
            let index = instance * 4 + number;
            Some(streamed(at(3), number, bind(at(index), at(index + 2))?))
        };
        (0..2).filter_map(bind).collect()
    });
    let takes_all = at(0) % 5 == 4;
    let lanes: &[Targets] = match at(0) % 5 {
        0 | 1 => &[Targets::Both],
        2 | 3 => &[Targets::Plain, Targets::Group],
        _ => &[Targets::Plain],
    };
    let deadline = at(1);
    let deadline = (deadline > 0).then(|| Duration::from_millis(u64::from(deadline).pow(2)));
    let body = (at(2) & 1 > 0).then(|| body(at(2) >> 1, at(3)));
    let drops = body.is_some() && at(3) & 16 > 0;
    let gives_up = drops.then(|| Duration::from_millis(u64::from(at(2) >> 1).pow(2)));
    Setup { lanes, takes_all, deadline, body, gives_up, instances: instances.collect() }
}

fn body(size: u8, shape: u8) -> Body {
    let paces = [0, 50, 500, 3000].map(Duration::from_millis);
    let pace = paces[usize::from(shape >> 2 & 3)];
    let (is_known, fails) = (shape & 1 == 0, shape & 2 > 0);
    Body { pieces: u32::from(size % 32), pace, is_known, fails }
}

/// What the binding does with a streamed body, beside what it does with any request.
fn streamed(shape: u8, number: usize, bind: Bind) -> Bind {
    let is_early = shape >> (5 + number) & 1 > 0;
    let gives_back = number == 1 && shape >> 7 > 0;
    let waits = if gives_back { Duration::from_millis(200) } else { Duration::ZERO };
    Bind { is_early, waits, gives_back, ..bind }
}

fn bind(shape: u8, time: u8) -> Option<Bind> {
    let target = if shape & 1 == 0 { Target::Plain } else { Target::Group };
    let time = Duration::from_millis(u64::from(time).pow(2));
    let does = match shape >> 1 & 7 {
        0 => return None,
        1 => Does::Dies,
        2 => Does::Misreads,
        3 => Does::Fails(time),
        _ => Does::Replies(time),
    };
    Some(Bind::new(target, does).refusing(u32::from(shape >> 4)))
}
