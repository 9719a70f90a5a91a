//! How much may be on the way at once.

use std::time::{Duration, Instant};

/// The delay that a window aims at: what packets wait for others, beyond the time that the way
/// itself takes.
const TARGET: Duration = Duration::from_millis(30);
/// A delay that is not waited with until the round is over.
const SEVERE: Duration = Duration::from_millis(120);
/// A delay at which nothing more is to wait, whatever was done about it already.
const WORST: Duration = Duration::from_secs(1);
/// The largest window: no link that is quick is limited by it.
const MOST: u64 = 64 << 20;

/// The number of bytes that may be on the way at once: it doubles in each round trip while packets
/// hardly wait, and shrinks when they wait for longer than [`TARGET`].
#[derive(Debug)]
pub(super) struct Window {
    size: u64,
    chunk: u64,
    growth: Growth,
    /// The most that was on the way in this round. A window that is not used does not grow.
    peak: u64,
    /// What was on the way when something was last sent.
    last: u64,
    /// When it shrank last. What was sent before says nothing about its size now.
    shrunk: Option<Instant>,
    round: Option<Round>,
    /// Whether one delay is enough to react. For a window that several ways share it is not: the
    /// others may be quick.
    is_hasty: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Growth {
    /// By a chunk in a round trip.
    Linear,
    /// To the double in a round trip.
    Doubling,
    None,
}

/// A round trip: the delays of what was sent before its first answer.
#[derive(Debug)]
struct Round {
    first_answer: Instant,
    least: Duration,
}

impl Window {
    /// Creates a window of some chunks for one way.
    pub(super) fn of_path(chunk: u64, chunks: u64) -> Self {
        Self {
            size: chunks * chunk,
            chunk,
            growth: Growth::None,
            peak: 0,
            last: 0,
            shrunk: None,
            round: None,
            is_hasty: true,
        }
    }

    /// Creates a window of some chunks that several ways share.
    pub(super) fn of_all(chunk: u64, chunks: u64) -> Self {
        Self { is_hasty: false, ..Self::of_path(chunk, chunks) }
    }

    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Notes how many bytes are on the way after some were sent.
    pub(super) fn sent(&mut self, in_flight: u64) {
        self.last = in_flight;
        self.peak = self.peak.max(in_flight);
    }

    /// Notes that bytes have arrived.
    pub(super) fn acked(&mut self, bytes: u64) {
        let is_used = self.peak.saturating_add(2 * self.chunk) >= self.size;
        let more = match self.growth {
            _ if !is_used => 0,
            Growth::Doubling => bytes,
            Growth::Linear => bytes.saturating_mul(self.chunk) / self.size,
            Growth::None => 0,
        };
        self.size = self.size.saturating_add(more).min(MOST.max(self.least()));
    }

    /// Notes the first round trip, which cannot be compared with others. Returns whether it is so
    /// short that there is hardly any delay in it.
    pub(super) fn began(&mut self, round_trip: Duration) -> bool {
        let is_short = round_trip <= TARGET / 2;
        if is_short {
            self.growth = Growth::Doubling;
        }
        is_short
    }

    /// Notes the delay of something that was sent at `sent`, and answered now.
    pub(super) fn delayed(&mut self, now: Instant, sent: Instant, delay: Duration) {
        let is_new = self.shrunk.is_none_or(|at| sent >= at);
        if self.is_hasty && (delay > SEVERE && is_new || delay > WORST) {
            return self.shrink(now, delay, 4);
        }
        if !is_new {
            return;
        }
        let least = match &mut self.round {
            Some(round) if sent < round.first_answer => {
                round.least = round.least.min(delay);
                round.least
            }
            round => {
                if let Some(over) = round.take().map(|over| over.least).filter(|it| *it > TARGET) {
                    return self.shrink(now, over, 2);
                }
                self.round = Some(Round { first_answer: now, least: delay });
                self.peak = self.last;
                delay
            }
        };
        self.growth = match if self.is_hasty { delay } else { least } {
            delay if delay <= TARGET / 2 => Growth::Doubling,
            delay if delay <= TARGET => Growth::Linear,
            _ => Growth::None,
        };
    }

    /// Shrinks by the delay, at most to one part of `most`.
    fn shrink(&mut self, now: Instant, delay: Duration, most: u32) {
        let target = TARGET.max(delay / most).as_micros();
        let used = self.size.min(self.peak.max(self.least()));
        let size = u128::from(used) * target / delay.as_micros().max(1);
        self.size = u64::try_from(size).unwrap_or(u64::MAX).max(self.least());
        self.began_anew(now);
    }

    /// Shrinks to the least: what was on the way is lost.
    pub(super) fn lost(&mut self, now: Instant) {
        self.size = self.least();
        self.began_anew(now);
    }

    fn began_anew(&mut self, now: Instant) {
        self.growth = Growth::None;
        self.shrunk = Some(now);
        self.round = None;
        self.peak = 0;
    }

    /// Two chunks: while one is answered, the other is on the way.
    fn least(&self) -> u64 {
        2 * self.chunk
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHUNK: u64 = 16 << 10;

    /// A link with a rate in bytes a second, and a delay there and back. It is given what the window
    /// allows, and answers in order.
    struct Link {
        window: Window,
        now: Instant,
        rate: u64,
        free_at: Instant,
        sent: std::collections::VecDeque<(Instant, Instant)>,
        carried: u64,
    }

    impl Link {
        const WAY: Duration = Duration::from_millis(10);

        fn new(rate: u64) -> Self {
            let now = Instant::now();
            let window = Window::of_path(CHUNK, 4);
            Self { window, now, rate, free_at: now, sent: [].into(), carried: 0 }
        }

        fn run(&mut self, time: Duration) -> Duration {
            let (until, mut longest) = (self.now + time, Duration::ZERO);
            while self.now < until {
                while (self.sent.len() as u64 + 1) * CHUNK <= self.window.size() {
                    let takes = Duration::from_secs(CHUNK) / u32::try_from(self.rate).unwrap_or(1);
                    self.free_at = self.free_at.max(self.now) + takes;
                    self.sent.push_back((self.now, self.free_at + Self::WAY));
                    self.window.sent(self.sent.len() as u64 * CHUNK);
                }
                let Some((sent, at)) = self.sent.pop_front() else { break };
                self.now = self.now.max(at);
                self.carried += CHUNK;
                let delay = (self.now - sent).saturating_sub(Self::WAY);
                longest = longest.max(delay);
                self.window.delayed(self.now, sent, delay);
                self.window.acked(CHUNK);
            }
            longest
        }
    }

    #[test]
    fn a_quick_link_is_used_at_once() {
        let mut link = Link::new(100_000_000);
        link.run(Duration::from_millis(500));
        assert!(link.carried > 30_000_000, "{}", link.carried);
    }

    #[test]
    fn packets_hardly_wait_at_a_slow_link_that_is_used_all_the_time() {
        let mut link = Link::new(100_000);
        let first = link.run(Duration::from_secs(2));
        assert!(first < Duration::from_secs(1), "{first:?}");
        link.carried = 0;
        let longest = link.run(Duration::from_secs(20));
        assert!(longest < Duration::from_millis(500), "{longest:?}");
        assert!(link.carried > 1_950_000, "{}", link.carried);
    }

    #[test]
    fn a_link_that_falls_and_rises_is_followed() {
        let mut link = Link::new(10_000_000);
        link.run(Duration::from_secs(5));
        link.rate = 100_000;
        link.run(Duration::from_secs(12));
        let longest = link.run(Duration::from_secs(10));
        assert!(longest < Duration::from_millis(500), "{longest:?}");
        link.rate = 10_000_000;
        link.run(Duration::from_secs(2));
        link.carried = 0;
        link.run(Duration::from_secs(2));
        assert!(link.carried > 15_000_000, "{}", link.carried);
    }

    #[test]
    fn a_window_that_is_not_used_does_not_grow() {
        let mut window = Window::of_path(CHUNK, 4);
        let start = Instant::now();
        for step in 1..1000 {
            let now = start + Duration::from_millis(step);
            window.sent(CHUNK);
            window.delayed(now, now - Duration::from_millis(1), Duration::ZERO);
            window.acked(CHUNK);
        }
        assert_eq!(window.size(), 4 * CHUNK);
    }
}
