//! A circuit as a state machine, without a clock.

use std::time::{Duration, Instant};

/// The state of a circuit: see [`Breaker`](crate::Breaker).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum CircuitState {
    /// Calls pass.
    Closed,
    /// Calls are refused.
    Open,
    /// One call is tried, and the others are refused.
    HalfOpen,
}

#[derive(Debug, Default)]
pub(crate) struct Circuit {
    phase: Phase,
    /// Counts the phases, so that a call that began in an earlier one changes nothing.
    turn: u64,
}

#[derive(Debug)]
enum Phase {
    /// So many calls have failed in a row.
    Closed(u32),
    /// Since when.
    Open(Instant),
    /// Since when one is tried.
    HalfOpen(Instant),
}

impl Default for Phase {
    fn default() -> Self {
        Self::Closed(0)
    }
}

/// A call that passes, with the turn that it belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Passed(u64);

impl Circuit {
    fn enter(&mut self, phase: Phase) {
        self.phase = phase;
        self.turn += 1;
    }

    /// Lets a call pass, or returns how much longer the circuit stays open.
    pub(crate) fn pass(&mut self, now: Instant, pause: Duration) -> Result<Passed, Duration> {
        match self.phase {
            Phase::Closed(_) => {}
            // One that is tried for longer than that does not hold up the others.
            Phase::Open(since) | Phase::HalfOpen(since) => {
                let left = (since + pause).saturating_duration_since(now);
                if !left.is_zero() {
                    return Err(left);
                }
                self.enter(Phase::HalfOpen(now));
            }
        }
        Ok(Passed(self.turn))
    }

    pub(crate) fn succeeded(&mut self, call: Passed) {
        if call.0 == self.turn {
            match &mut self.phase {
                Phase::Closed(failures) => *failures = 0,
                Phase::Open(_) | Phase::HalfOpen(_) => self.enter(Phase::Closed(0)),
            }
        }
    }

    pub(crate) fn failed(&mut self, now: Instant, call: Passed, most: u32) {
        if call.0 != self.turn {
            return;
        }
        match &mut self.phase {
            Phase::Closed(failures) if *failures + 1 < most => *failures += 1,
            _ => self.enter(Phase::Open(now)),
        }
    }

    /// Notes that a call was dropped: it says nothing. If it was the one that is tried, the next one
    /// is.
    pub(crate) fn dropped(&mut self, now: Instant, call: Passed, pause: Duration) {
        if call.0 == self.turn && matches!(self.phase, Phase::HalfOpen(_)) {
            self.enter(Phase::Open(now.checked_sub(pause).unwrap_or(now)));
        }
    }

    pub(crate) fn state(&self) -> CircuitState {
        match self.phase {
            Phase::Closed(_) => CircuitState::Closed,
            Phase::Open(_) => CircuitState::Open,
            Phase::HalfOpen(_) => CircuitState::HalfOpen,
        }
    }

    /// Returns whether it is as a new one.
    pub(crate) fn is_new(&self) -> bool {
        matches!(self.phase, Phase::Closed(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAUSE: Duration = Duration::from_secs(5);

    #[test]
    fn only_failures_in_a_row_open_it() {
        let (mut circuit, now) = (Circuit::default(), Instant::now());
        for _ in 0..9 {
            let call = circuit.pass(now, PAUSE).expect("it is closed");
            circuit.failed(now, call, 2);
            let call = circuit.pass(now, PAUSE).expect("one failure does not open it");
            circuit.succeeded(call);
        }
        let calls = [circuit.pass(now, PAUSE), circuit.pass(now, PAUSE)];
        for call in calls {
            circuit.failed(now, call.expect("it is closed"), 2);
        }
        assert_eq!((circuit.state(), circuit.pass(now, PAUSE)), (CircuitState::Open, Err(PAUSE)));
    }

    #[test]
    fn one_call_is_tried_and_decides() {
        let (mut circuit, now) = (Circuit::default(), Instant::now());
        let call = circuit.pass(now, PAUSE).expect("it is closed");
        circuit.failed(now, call, 1);
        let late = now + PAUSE;
        let tried = circuit.pass(late, PAUSE).expect("one is tried");
        assert_eq!(circuit.state(), CircuitState::HalfOpen);
        assert_eq!(circuit.pass(late, PAUSE), Err(PAUSE), "the others wait for it");
        circuit.failed(late, tried, 9);
        assert_eq!(circuit.state(), CircuitState::Open, "one failure is enough now");
        let tried = circuit.pass(late + PAUSE, PAUSE).expect("one is tried");
        circuit.succeeded(tried);
        assert!(circuit.is_new());
    }

    #[test]
    fn what_began_before_it_opened_says_nothing() {
        let (mut circuit, now) = (Circuit::default(), Instant::now());
        let [one, other] = [(); 2].map(|()| circuit.pass(now, PAUSE).expect("it is closed"));
        circuit.failed(now, one, 1);
        circuit.succeeded(other);
        assert_eq!(circuit.state(), CircuitState::Open);
        let tried = circuit.pass(now + PAUSE, PAUSE).expect("one is tried");
        circuit.failed(now + PAUSE, other, 1);
        circuit.dropped(now + PAUSE, other, PAUSE);
        assert_eq!(circuit.state(), CircuitState::HalfOpen);
        circuit.dropped(now + PAUSE, tried, PAUSE);
        circuit.pass(now + PAUSE, PAUSE).expect("the next one is tried");
    }

    #[test]
    fn a_call_that_is_tried_for_ever_does_not_hold_up_the_others() {
        let (mut circuit, now) = (Circuit::default(), Instant::now());
        let call = circuit.pass(now, PAUSE).expect("it is closed");
        circuit.failed(now, call, 1);
        let stuck = circuit.pass(now + PAUSE, PAUSE).expect("one is tried");
        let tried = circuit.pass(now + 2 * PAUSE, PAUSE).expect("another one is tried");
        circuit.failed(now + 2 * PAUSE, stuck, 1);
        assert_eq!(circuit.state(), CircuitState::HalfOpen);
        circuit.succeeded(tried);
        assert_eq!(circuit.state(), CircuitState::Closed);
    }
}
