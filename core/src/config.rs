mod limits;

use std::time::Duration;

pub use self::limits::Limits;
use crate::{
    Error, ErrorKind,
    error::FailureMap,
    proto::{
        AskerLimits, BudgetLimits, InboundLimits, OutboundLimits, PathLimits, Reason, ReasonCode,
    },
};

// Larger values could overflow when two are added, or one is added to the time.
const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);
const TEBIBYTE: u64 = 1 << 40;

const DEFAULT_BUDGET: u64 = 48 << 20;

/// All limits of a conduit. The builder sets them; the book lists their defaults.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    pub(crate) chunk: usize,
    pub(crate) window: u64,
    pub(crate) first_window: u64,
    /// `None` if the transport may ask for less than the default.
    pub(crate) budget: Option<u64>,
    pub(crate) request_timeout: Duration,
    pub(crate) send_timeout: Duration,
    pub(crate) join_window: Duration,
    pub(crate) lag_limit: Duration,
    pub(crate) idle_limit: Duration,
    pub(crate) max_decode_size: Option<usize>,
    pub(crate) waiting: usize,
    pub(crate) waiting_bytes: u64,
    pub(crate) waiting_bytes_per_binding: u64,
    pub(crate) request_wait: Duration,
    pub(crate) bodies_per_binding: usize,
    pub(crate) bodies: usize,
    pub(crate) close_timeout: Duration,
    pub(crate) outbox: usize,
    pub(crate) send_buffer: usize,
    pub(crate) send_panic_texts: bool,
    pub(crate) hide_failure_texts: bool,
    pub(crate) failure_map: Option<FailureMap>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            chunk: 16 << 10,
            window: 1 << 20,
            first_window: 64 << 10,
            budget: None,
            request_timeout: Duration::from_secs(30),
            send_timeout: Duration::from_secs(5),
            join_window: Duration::from_millis(250),
            lag_limit: Duration::from_secs(10),
            idle_limit: Duration::from_secs(10),
            max_decode_size: Some(5 << 20),
            waiting: 1024,
            waiting_bytes: 16 << 20,
            waiting_bytes_per_binding: 4 << 20,
            request_wait: Duration::from_millis(100),
            bodies_per_binding: 512,
            bodies: 1024,
            close_timeout: Duration::from_secs(1),
            outbox: 8192,
            send_buffer: 1 << 20,
            send_panic_texts: false,
            hide_failure_texts: false,
            failure_map: None,
        }
    }
}

impl Config {
    /// Checks that the limits are in range and do not contradict each other.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let times = [
            self.send_timeout,
            self.join_window,
            self.lag_limit,
            self.idle_limit,
            self.request_wait,
            self.close_timeout,
        ];
        let budget = self.budget.unwrap_or(DEFAULT_BUDGET);
        let bytes = [self.window, budget];
        let rules = [
            (self.chunk >= 1, "a chunk has at least one byte"),
            (self.first_window >= 1, "the first window has at least one byte"),
            (self.window >= self.first_window, "the window is at least the first window"),
            (budget >= self.first_window, "the budget is at least one first window"),
            (self.waiting >= 1, "a binding holds at least one message"),
            (self.bodies_per_binding >= 1, "a binding takes at least one body at a time"),
            (self.bodies >= 1, "a conduit takes at least one body at a time"),
            (!self.send_timeout.is_zero(), "the send timeout is not zero"),
            (self.idle_limit >= Duration::from_millis(3), "the idle limit is at least 3 ms"),
            (self.outbox >= 1, "the outbox holds at least one notice"),
            (times.iter().all(|limit| *limit <= YEAR), "a time is at most a year"),
            (
                bytes.iter().all(|limit| *limit <= TEBIBYTE),
                "a window and the budget are at most 1 TiB",
            ),
        ];
        match rules.iter().find(|(holds, _)| !holds) {
            Some((_, rule)) => Err(Error::new(ErrorKind::InvalidLimit, *rule)),
            None => Ok(()),
        }
    }

    /// Returns what the asker is told of a failure.
    pub(crate) fn told(&self, reason: Reason) -> Reason {
        let hides_panic = reason.code == ReasonCode::Panicked && !self.send_panic_texts;
        if self.hide_failure_texts || hides_panic { reason.code.into() } else { reason }
    }

    /// Returns the time without progress after which missing packets are sent again.
    pub(crate) fn retry(&self) -> Duration {
        (self.idle_limit / 10).min(Duration::from_secs(1))
    }

    /// Returns the limits of a request. An answerer sends a sign of life after a quarter of the
    /// idle limit at the latest.
    pub(crate) fn asker(&self) -> AskerLimits {
        AskerLimits {
            answer: self.send_timeout.max(self.idle_limit / 2),
            idle: self.idle_limit,
            patience: self.send_timeout,
            refusal: 2 * self.request_wait,
            retry: self.retry(),
        }
    }

    /// Returns how many bytes all incoming bodies together may hold over a transport that bears so
    /// many.
    pub(crate) fn budget(&self, bears: Option<u64>) -> u64 {
        let default = bears.map_or(DEFAULT_BUDGET, |bears| bears.min(DEFAULT_BUDGET));
        self.budget.unwrap_or(default.max(self.first(bears)))
    }

    /// Returns how many bytes of a body may be sent before the first grant. Over a transport that bears
    /// fewer than is usual they are fewer too, so that as many bodies can begin.
    pub(crate) fn first(&self, bears: Option<u64>) -> u64 {
        const LEAST: u64 = 2 << 10;
        match (self.budget, bears) {
            (None, Some(bears)) if bears < DEFAULT_BUDGET => {
                let part = u128::from(self.first_window) * u128::from(bears);
                let part = u64::try_from(part / u128::from(DEFAULT_BUDGET)).unwrap_or(u64::MAX);
                part.max(LEAST).min(self.first_window)
            }
            _ => self.first_window,
        }
    }

    /// Returns what all incoming bodies together may hold.
    pub(crate) fn incoming(&self, bears: Option<u64>) -> BudgetLimits {
        BudgetLimits {
            bytes: self.budget(bears),
            first: self.first(bears),
            bodies: self.bodies as u64,
            bodies_per_binding: self.bodies_per_binding as u64,
            places: self.waiting as u64,
            packets: self.waiting_bytes_per_binding,
        }
    }

    pub(crate) fn inbound(&self, bears: Option<u64>) -> InboundLimits {
        InboundLimits {
            initial: self.first(bears),
            window: self.window,
            answer: self.send_timeout,
            idle: self.idle_limit,
            retry: self.retry(),
            ack_delay: Duration::from_millis(25).min(self.idle_limit / 10),
        }
    }

    /// Returns the limits of what all outgoing bodies have on the way.
    pub(crate) fn paths(&self) -> PathLimits {
        PathLimits { chunk: self.chunk as u64, remembered: self.idle_limit }
    }

    pub(crate) fn outbound(&self, expect: Option<usize>) -> OutboundLimits {
        // A whole number of pieces: the remainder of a window would make a tiny packet.
        let piece = piece(self.chunk) as u64;
        let rest = if self.window > piece { self.window % piece } else { 0 };
        OutboundLimits {
            window: self.window - rest,
            chunks: usize::try_from(self.window)
                .unwrap_or(usize::MAX)
                .div_ceil(self.chunk)
                .saturating_mul(4),
            answer: self.send_timeout,
            patience: self.send_timeout,
            join: self.join_window,
            expect,
            lag: self.lag_limit,
            idle: self.idle_limit,
            retry: self.retry(),
        }
    }
}

/// Returns how much of a chunk a piece of a stream may take; the rest is for the packet's header.
pub(crate) fn piece(chunk: usize) -> usize {
    chunk - chunk / 64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn over_a_transport_that_bears_little_as_many_bodies_begin() {
        let config = Config::default();
        for (bears, first, bytes) in [
            (None, 64 << 10, 48 << 20),
            (Some(u64::MAX), 64 << 10, 48 << 20),
            (Some(6 << 20), 8 << 10, 6 << 20),
            (Some(1), 2 << 10, 2 << 10),
        ] {
            assert_eq!((config.first(bears), config.budget(bears)), (first, bytes), "{bears:?}");
        }
        let own = Config { budget: Some(1 << 20), first_window: 1 << 10, ..config };
        assert_eq!((own.first(Some(6 << 20)), own.budget(Some(6 << 20))), (1 << 10, 1 << 20));
    }
}
