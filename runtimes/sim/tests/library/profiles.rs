//! What goes wrong in a run.

use std::time::Duration;

use conduit::transport::Address;
use conduit_memory::{Delay, FaultPlan, Faults};
use conduit_sim::Sim;
use fastrand::Rng;

use crate::{chaos::Trouble, half_way::HalfWay, oracle::Network};

/// The types of frames.
pub(crate) mod frame {
    const MESSAGE: u8 = 1;
    pub(crate) const OFFER: u8 = 2;
    pub(crate) const ACCEPT: u8 = 3;
    const CONFIRM: u8 = 4;
    pub(crate) const DATA: u8 = 5;
    const END: u8 = 6;
    const CREDIT: u8 = 7;
    const PING: u8 = 8;
    const REPLY: u8 = 11;
    const FAILURE: u8 = 13;
    const BATCH: u8 = 17;

    /// What is not part of a stream. No transport repeats or reorders packets, and only streams
    /// stand it: a refusal that comes twice would have a request asked once more.
    pub(crate) const ALONE: [u8; 4] = [MESSAGE, REPLY, FAILURE, BATCH];

    /// What is said again until it was heard, for as long as a stream is open.
    pub(crate) const REPEATED: [u8; 5] = [CONFIRM, DATA, END, CREDIT, PING];
}

pub(crate) struct Profile {
    /// Nothing is refused, given up or broken on purpose: all has to succeed.
    pub(crate) calm: bool,
    /// How many operations there are, at most.
    pub(crate) most: u64,
    /// How many packets are lost, at most.
    loss: f64,
    /// How many are lost of those frames that are repeated until they are heard, at most.
    gaps: f64,
    /// How many frames of streams come twice, or late, at most.
    disorder: f64,
    /// How many pieces of bodies come with a wrong bit, at most.
    damage: f64,
    delay: Duration,
    pub(crate) trouble: &'static [Trouble],
    /// What peers do that stop.
    pub(crate) half_way: &'static [HalfWay],
}

pub(crate) const CALM: Profile = Profile {
    calm: true,
    most: 16,
    loss: 0.0,
    gaps: 0.0,
    disorder: 0.0,
    damage: 0.0,
    delay: Duration::ZERO,
    trouble: &[],
    // The others would have to be waited for.
    half_way: &[HalfWay::Offers],
};

const ROUGH: Profile = Profile {
    calm: false,
    half_way: &[HalfWay::Offers, HalfWay::Confirms, HalfWay::Accepts],
    ..CALM
};

pub(crate) const SLOW: Profile = Profile {
    // Ten times that, there and back, is within the join window.
    delay: Duration::from_millis(10),
    ..CALM
};

// So few that it is never by chance alone that nothing is heard for the idle limit. Within it a
// sender asks twelve times for an acknowledgement. One try fails with q = 1 - (1 - p)^2, where p is
// 0.1 times two random numbers, so all do in 1.4e-11 of cases on average: of 125,000 runs with 40
// receivers each, 0.00007. (With six tries it was 5, and seed 61820 was one of them.)
pub(crate) const GAPS: Profile = Profile { gaps: 0.1, ..CALM };

/// The network does its part; only those who send and receive stop, stall and give up.
pub(crate) const RELIABLE: Profile = ROUGH;

/// One instance leaves; the network does its part, and so do the others.
pub(crate) const LEAVING: Profile = Profile {
    // So many that some wait.
    most: 40,
    trouble: &[Trouble::Drain],
    // One that takes what is for a group never hands it on.
    half_way: &[HalfWay::Offers, HalfWay::Confirms],
    ..ROUGH
};

pub(crate) const LOSSY: Profile =
    Profile { loss: 0.3, disorder: 0.2, delay: Duration::from_millis(20), ..ROUGH };

pub(crate) const DAMAGING: Profile = Profile { loss: 0.1, damage: 0.3, ..ROUGH };

pub(crate) const BREAKING: Profile =
    Profile { trouble: &[Trouble::Disconnect, Trouble::Cut, Trouble::Restart], ..ROUGH };

pub(crate) const EVERYTHING: Profile = Profile {
    loss: 0.1,
    disorder: 0.1,
    delay: Duration::from_millis(5),
    trouble: &[
        Trouble::Disconnect,
        Trouble::Cut,
        Trouble::Restart,
        Trouble::Freeze,
        Trouble::Freeze,
        Trouble::Kill,
        Trouble::Drain,
    ],
    ..ROUGH
};

impl Profile {
    pub(crate) fn network(&self) -> Network {
        let rates = [self.loss, self.gaps, self.disorder, self.damage];
        let reliable = rates == [0.0; 4] && self.delay.is_zero();
        Network {
            calm: self.calm,
            reliable: reliable && self.trouble.is_empty(),
            leaves: reliable && matches!(self.trouble, [Trouble::Drain]),
            damages: self.damage > 0.0,
            freezes: self.trouble.iter().any(|trouble| matches!(trouble, Trouble::Freeze)),
        }
    }

    /// What happens to packets.
    pub(crate) fn faults(&self, sim: &Sim, rng: &mut Rng) -> FaultPlan {
        let delay = match (self.delay.is_zero(), rng.u32(..3)) {
            (true, _) | (_, 0) => Delay::None,
            (_, 1) => Delay::Uniform(Duration::ZERO, self.delay),
            _ => Delay::Exponential(self.delay),
        };
        // Most runs have little of it.
        let mut rate = |most: f64| most * rng.f64() * rng.f64();
        let whole = Faults::new().drop(rate(self.loss)).delay(delay);
        let (disorder, gaps, damage) = (rate(self.disorder), rate(self.gaps), rate(self.damage));
        let streams = whole.clone().duplicate(disorder).reorder(disorder, self.delay * 10);
        let data = streams.clone().damage(damage);
        let repeated = Faults::new().drop(gaps);
        let plan = FaultPlan::new(sim.clone(), rng.u64(..)).on(is_of(&frame::ALONE), whole);
        // Where packets wait in the connection, messages travel together.
        let plan = match rng.u32(..3) {
            0 => plan,
            _ => plan.bandwidth(rng.u32(4 << 20..64 << 20)),
        };
        // And bodies wait for their turn where their receiver is slow.
        let plan = match rng.u32(..3) {
            0 => plan.receiving_bandwidth(rng.u32(512 << 10..4 << 20)),
            _ => plan,
        };
        match (self.gaps > 0.0, self.damage > 0.0) {
            (true, _) => plan.on(is_of(&frame::REPEATED), repeated),
            (_, true) => plan.on(is_of(&[frame::DATA]), data),
            _ => plan,
        }
        .on_the_rest(streams)
    }
}

fn is_of(frames: &'static [u8]) -> impl Fn(&Address, &[u8]) -> bool + Send + Sync {
    move |_, packet| packet.get(1).is_some_and(|kind| frames.contains(kind))
}
