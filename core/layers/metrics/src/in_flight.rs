//! A call that is being measured.

use std::time::Instant;

use conduit::{ErrorKind, layer::Clock};
use metrics::{counter, gauge, histogram};

use crate::labels::Labels;

/// Which metrics one side has.
pub(crate) struct Side {
    pub(crate) in_flight: &'static str,
    pub(crate) request_duration: &'static str,
    pub(crate) one_way_duration: &'static str,
    pub(crate) one_way_count: &'static str,
}

/// A call, or a handler, until it has ended. If it is dropped before, it was cancelled.
pub(crate) struct InFlight {
    side: &'static Side,
    labels: Labels,
    clock: Clock,
    began: Instant,
    deadline: Option<Instant>,
    has_ended: bool,
}

impl InFlight {
    /// Begins to measure. What is dropped after the deadline was too late.
    pub(crate) fn new(
        side: &'static Side,
        labels: Labels,
        clock: Clock,
        deadline: Option<Instant>,
    ) -> Self {
        gauge!(side.in_flight, labels.of_begin()).increment(1);
        let began = clock.now();
        Self { side, labels, clock, began, deadline, has_ended: false }
    }

    /// Records the end of the call, with the kind of error if it has failed.
    pub(crate) fn end(mut self, failed: Option<ErrorKind>) {
        self.record(failed);
    }

    fn record(&mut self, failed: Option<ErrorKind>) {
        self.has_ended = true;
        let Self { side, labels, .. } = self;
        let took = self.clock.now().saturating_duration_since(self.began);
        let of_end = labels.of_end(failed);
        if labels.is_request() {
            histogram!(side.request_duration, of_end).record(took);
        } else {
            counter!(side.one_way_count, of_end.clone()).increment(1);
            histogram!(side.one_way_duration, of_end).record(took);
        }
        gauge!(side.in_flight, labels.of_begin()).decrement(1);
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        if !self.has_ended {
            let is_late = self.deadline.is_some_and(|at| self.clock.now() >= at);
            let kind = if is_late { ErrorKind::Deadline } else { ErrorKind::Cancelled };
            self.record(Some(kind));
        }
    }
}
