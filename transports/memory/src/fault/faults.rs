use std::time::Duration;

use fastrand::Rng;

/// What happens to packets, and how often. Nothing, unless it is said.
///
/// Rates are from 0, never, to 1, always.
///
/// ```
/// use std::time::Duration;
///
/// use conduit_memory::{Delay, Faults};
///
/// let bad_network = Faults::new()
///     .drop(0.05)
///     .duplicate(0.01)
///     .reorder(0.02, Duration::from_millis(50))
///     .delay(Delay::Exponential(Duration::from_millis(5)));
/// # drop(bad_network);
/// ```
#[derive(Debug, Clone, Default)]
#[must_use = "faults do nothing until they are part of a plan"]
pub struct Faults {
    pub(super) drop: f64,
    pub(super) duplicate: f64,
    pub(super) reorder: f64,
    pub(super) reorder_by: Duration,
    pub(super) delay: Delay,
    pub(super) damage: f64,
    pub(super) silence: f64,
}

/// How long packets travel.
///
/// ```
/// use std::time::Duration;
///
/// use conduit_memory::{Delay, Faults};
///
/// let (short, long) = (Duration::from_millis(1), Duration::from_millis(20));
/// let slow_network = Faults::new().delay(Delay::Uniform(short, long));
/// # drop(slow_network);
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Delay {
    /// No time.
    #[default]
    None,
    /// All equally long.
    Fixed(Duration),
    /// Anything between two times, with the same probability.
    Uniform(Duration, Duration),
    /// Mostly short and sometimes long, with this mean: ten times the mean at most.
    Exponential(Duration),
}

impl Faults {
    /// No faults.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many packets are lost. A notice that nobody was subscribed is lost at the same rate.
    pub fn drop(mut self, rate: f64) -> Self {
        self.drop = rate;
        self
    }

    /// How many notices that nobody was subscribed are lost, where their packets are not: at a rate
    /// of 1 it is a broker that cannot know who is subscribed.
    pub fn silence(mut self, rate: f64) -> Self {
        self.silence = rate;
        self
    }

    /// How many packets come twice.
    ///
    /// No transport may do that: what the library does then shows how sturdy it is, and is not
    /// promised. Frames of streams stand it; a message of one packet is delivered twice.
    pub fn duplicate(mut self, rate: f64) -> Self {
        self.duplicate = rate;
        self
    }

    /// How many packets do not keep to their place, and how much longer they travel at most.
    ///
    /// No transport may do that within a subscription: see [`duplicate`](Self::duplicate).
    pub fn reorder(mut self, rate: f64, by: Duration) -> Self {
        self.reorder = rate;
        self.reorder_by = by;
        self
    }

    /// How many packets come with a wrong bit in their last byte: where there is a body, in it.
    ///
    /// No transport may do that. A streamed body that is damaged is found by its checksum; a message
    /// of one packet has none.
    pub fn damage(mut self, rate: f64) -> Self {
        self.damage = rate;
        self
    }

    /// How long packets travel. Packets of one connection do not overtake each other by that: one
    /// that is slow holds back those behind it.
    pub fn delay(mut self, delay: Delay) -> Self {
        self.delay = delay;
        self
    }
}

impl Delay {
    pub(super) fn sample(self, rng: &mut Rng) -> Duration {
        const MOST: f64 = 10.0;
        match self {
            Self::None => Duration::ZERO,
            Self::Fixed(time) => time,
            Self::Uniform(least, most) => least + most.saturating_sub(least).mul_f64(rng.f64()),
            // 1 - f64() is above 0, so that the logarithm is finite.
            Self::Exponential(mean) => mean.mul_f64((-(1.0 - rng.f64()).ln()).min(MOST)),
        }
    }
}
