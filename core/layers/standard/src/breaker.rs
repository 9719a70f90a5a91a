use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex},
    time::Duration,
};

use conduit::{
    Error, ErrorKind, ServiceName, Subject,
    layer::{CallKind, Clock, Layer, Next, OutboundCall, Outcome, Refusal},
};

use crate::{
    circuit::{Circuit, CircuitState, Passed},
    lock,
};

/// Stops calling what keeps failing: a circuit breaker for each subject of each service.
///
/// After five failures in a row the circuit is open, and calls fail at once, as
/// [`Overloaded`](ErrorKind::Overloaded) and not executed. After 5 s one call is tried: if it succeeds,
/// the circuit is closed again, else it stays open for as long again.
///
/// A failure is what says that the service cannot be reached or cannot cope:
/// [`counts`](Self::counts) changes that. A call succeeds with the head of its reply, and with any
/// other error; one that is dropped says nothing. Sends and requests are counted, replies and requests
/// to all are not. Clones share the circuits.
///
/// ```
/// use std::time::Duration;
///
/// use conduit::Conduit;
/// use conduit_json::Json;
/// use conduit_layers::{Breaker, CircuitState};
/// use conduit_memory::Memory;
/// use conduit_smol::Smol;
///
/// # fn main() -> Result<(), conduit::Error> {
/// # smol::block_on(async {
/// let breaker = Breaker::new().failures(2).pause(Duration::from_secs(60));
/// let client = Conduit::new("client", Smol, Memory::new(), Json)?;
/// let shop = client.service("shop").layer(breaker.clone());
/// for _ in 0..2 {
///     shop.request("price", "tea").await.expect_err("there is no shop");
/// }
/// assert_eq!(breaker.state(&"shop".parse()?, &"price".parse()?), CircuitState::Open);
/// # Ok(())
/// # })
/// # }
/// ```
#[derive(Clone)]
pub struct Breaker {
    failures: u32,
    pause: Duration,
    counts: Arc<dyn Fn(&Error) -> bool + Send + Sync>,
    circuits: Arc<Mutex<Circuits>>,
}

/// The circuits that have seen failures. Those without are not kept.
type Circuits = BTreeMap<(ServiceName, Subject), Circuit>;

impl Breaker {
    /// How many circuits with failures there are at most. Further subjects are not broken.
    pub const MAX_CIRCUITS: usize = 1_024;

    /// Creates a breaker with the default limits.
    #[must_use]
    pub fn new() -> Self {
        Self {
            failures: 5,
            pause: Duration::from_secs(5),
            counts: Arc::new(is_failure),
            circuits: Arc::default(),
        }
    }

    /// Sets how many failures in a row open a circuit.
    #[must_use]
    pub fn failures(mut self, count: u32) -> Self {
        self.failures = count.max(1);
        self
    }

    /// Sets how long a circuit is open before a call is tried.
    #[must_use]
    pub fn pause(mut self, pause: Duration) -> Self {
        self.pause = pause;
        self
    }

    /// Sets which errors count as failures.
    #[must_use]
    pub fn counts(mut self, counts: impl Fn(&Error) -> bool + Send + Sync + 'static) -> Self {
        self.counts = Arc::new(counts);
        self
    }

    /// Returns the state of the circuit of a subject.
    #[must_use]
    pub fn state(&self, service: &ServiceName, subject: &Subject) -> CircuitState {
        let circuits = lock(&self.circuits);
        let circuit = circuits.get(&(service.clone(), subject.clone()));
        circuit.map_or(CircuitState::Closed, Circuit::state)
    }

    /// Changes a circuit. One that is as a new one is not kept.
    fn change<T>(&self, key: &(ServiceName, Subject), change: impl FnOnce(&mut Circuit) -> T) -> T {
        let mut circuits = lock(&self.circuits);
        if let Some(circuit) = circuits.get_mut(key) {
            let changed = change(circuit);
            if circuit.is_new() {
                circuits.remove(key);
            }
            return changed;
        }
        let mut circuit = Circuit::default();
        let changed = change(&mut circuit);
        if !circuit.is_new() && circuits.len() < Self::MAX_CIRCUITS {
            circuits.insert(key.clone(), circuit);
        }
        changed
    }
}

impl Default for Breaker {
    fn default() -> Self {
        Self::new()
    }
}

/// Returns whether an error says that a service cannot be reached, or cannot cope.
fn is_failure(error: &Error) -> bool {
    use ErrorKind as K;
    matches!(
        error.kind(),
        K::NoReceivers
            | K::NoAnswer
            | K::Overloaded
            | K::Draining
            | K::HandlerPanicked
            | K::NoReply
            | K::Lost
            | K::Deadline
            | K::Disconnected
            | K::Transport
    )
}

/// A call in progress.
struct Trying<'a> {
    breaker: &'a Breaker,
    key: &'a (ServiceName, Subject),
    clock: Clock,
    passed: Option<Passed>,
}

impl Trying<'_> {
    fn end(mut self, outcome: &Outcome) {
        let Some(passed) = self.passed.take() else { return };
        let now = self.clock.now();
        let has_failed = outcome.error().is_some_and(|error| (self.breaker.counts)(error));
        self.breaker.change(self.key, |circuit| match has_failed {
            true => circuit.failed(now, passed, self.breaker.failures),
            false => circuit.succeeded(passed),
        });
    }
}

impl Drop for Trying<'_> {
    fn drop(&mut self) {
        if let Some(passed) = self.passed {
            let (now, pause) = (self.clock.now(), self.breaker.pause);
            self.breaker.change(self.key, |circuit| circuit.dropped(now, passed, pause));
        }
    }
}

impl Layer for Breaker {
    async fn outbound(&self, call: OutboundCall, next: Next<'_>) -> Outcome {
        if !matches!(call.kind(), CallKind::OneWay | CallKind::Request) {
            return next.run(call).await;
        }
        let key = (call.service().clone(), call.subject().clone());
        let (clock, now) = (call.clock().clone(), call.clock().now());
        let passed = match self.change(&key, |circuit| circuit.pass(now, self.pause)) {
            Ok(passed) => Some(passed),
            Err(left) => {
                let text = format!("it kept failing; the next call is tried in {left:?}");
                return Refusal::busy(text).into();
            }
        };
        let trying = Trying { breaker: self, key: &key, clock, passed };
        let outcome = next.run(call).await;
        trying.end(&outcome);
        outcome
    }
}

impl fmt::Debug for Breaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Breaker")
            .field("failures", &self.failures)
            .field("pause", &self.pause)
            .field("circuits", &lock(&self.circuits).len())
            .finish_non_exhaustive()
    }
}
