use std::time::Duration;

use fastrand::Rng;

/// The faults of packets, and their rates. By default there are none.
///
/// Rates range from 0, never, to 1, always.
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

/// How long packets are delayed.
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
    /// No delay.
    #[default]
    None,
    /// The same delay for all packets.
    Fixed(Duration),
    /// A delay between two durations, uniformly distributed.
    Uniform(Duration, Duration),
    /// An exponentially distributed delay with this mean, capped at ten times the mean.
    Exponential(Duration),
}

impl Faults {
    /// Creates a set without faults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the rate of lost packets. Notices of undelivered packets are lost at the same rate.
    pub fn drop(mut self, rate: f64) -> Self {
        self.drop = rate;
        self
    }

    /// Sets the rate of lost notices whose packets are not lost. A rate of 1 simulates a broker
    /// that does not know its subscribers.
    pub fn silence(mut self, rate: f64) -> Self {
        self.silence = rate;
        self
    }

    /// Sets the rate of packets that are delivered twice.
    ///
    /// The contract of a transport forbids this, so the library's behaviour shows its robustness
    /// and is not guaranteed. Streams tolerate it; a message of one packet is delivered twice.
    pub fn duplicate(mut self, rate: f64) -> Self {
        self.duplicate = rate;
        self
    }

    /// Sets the rate of packets that are delivered out of order, and their maximum extra delay.
    ///
    /// The contract of a transport forbids this within a subscription; see
    /// [`duplicate`](Self::duplicate).
    pub fn reorder(mut self, rate: f64, by: Duration) -> Self {
        self.reorder = rate;
        self.reorder_by = by;
        self
    }

    /// Sets the rate of packets with a flipped bit in their last byte, which is in the body if
    /// there is one.
    ///
    /// The contract of a transport forbids this. The checksum of a streamed body detects it; a
    /// message of one packet has no checksum.
    pub fn damage(mut self, rate: f64) -> Self {
        self.damage = rate;
        self
    }

    /// Sets the delay of packets. It does not reorder the packets of one connection: a slow packet
    /// delays those behind it.
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
