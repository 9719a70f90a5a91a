//! Both halves of a body, over a link that does whatever the bytes say.

#[allow(dead_code, reason = "the tests of the core use more of it")]
#[path = "../../core/tests/proto_pair/pair/mod.rs"]
mod harness;

use std::time::Duration;

use conduit::transport::Targets;

use self::harness::{Bind, Pair, Reader, Setup};

/// Sends a body over an arbitrary link: what arrives is right or an error, and it always ends.
pub fn pair(data: &[u8]) {
    let (shape, chance) = data.split_at_checked(16).unwrap_or((data, &[]));
    let at = |index: usize| shape.get(index).copied().unwrap_or_default();
    let mut pair = Pair::new(setup(at), super::dice(chance));
    pair.link.loss = u64::from(at(9) % 31);
    pair.link.repeats = u64::from(at(10) % 31);
    pair.link.delay = 1..2 + u64::from(at(11));
    pair.link.in_order = at(12).is_multiple_of(2);
    let start = Duration::from_millis(u64::from(at(13)) * 4);
    pair.link.outage = start..start + Duration::from_millis(u64::from(at(14)) * 60);
    pair.run(Duration::from_secs(1200));
}

fn setup(at: impl Fn(usize) -> u8) -> Setup {
    let size = usize::from(at(0)) * usize::from(at(1)) * 4;
    let instances = (2..5).map(|index| match at(index) {
        0..0x20 => vec![],
        kind @ 0x20..0x60 => vec![bind(kind)],
        kind => vec![bind(kind), bind(kind.rotate_left(3))],
    });
    let setup =
        if at(5) % 4 == 3 { Setup::reply(size) } else { Setup::new(size, instances.collect()) };
    let targets = [Targets::Plain, Targets::Group, Targets::Both];
    let piece = usize::from(at(7)) * 64;
    Setup {
        targets: targets[usize::from(at(5) % 3)],
        known: at(6).is_multiple_of(2),
        fails_at: (at(6) > 0xe0).then_some(size / 2),
        pieces: vec![piece + size / 500 + 1, Setup::CHUNK],
        budget: 64 * 1024 * (1 + u64::from(at(8))),
        ..setup
    }
}

fn bind(shape: u8) -> Bind {
    let bind = if shape & 1 == 0 { Bind::PLAIN } else { Bind::GROUP };
    let reader = match shape >> 1 & 7 {
        0 => Reader::Drops(usize::from(shape) * 100),
        1 => Reader::Paced(Duration::from_micros(u64::from(shape))),
        2 => Reader::Silent,
        _ => Reader::Eager,
    };
    bind.reading(reader).refusing(u32::from(shape >> 6 & 1))
}
