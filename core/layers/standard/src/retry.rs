use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use conduit::{
    Error, ErrorKind, Executed, Failure,
    layer::{CallKind, Layer, Next, OutboundCall, Outcome},
};

use crate::Budget;

/// Calls again what failed for a cause that may pass, and was not executed.
///
/// That a handler runs twice for one call is excluded: only an error whose
/// [`executed`](Error::executed) is [`No`](Executed::No) is followed by another try. For subjects whose
/// work may be done twice, [`idempotent`](Self::idempotent) allows more.
///
/// Sends and requests are tried again, if their body is in memory; replies and requests to all are
/// not. There are four tries at most, with pauses of 10 ms, doubled up to 1 s, of which a part is left
/// out, so that instances do not retry together. No try begins after the deadline of a request. All
/// retries spend a [budget](Budget).
///
/// ```
/// use conduit::{Conduit, Error};
/// use conduit_json::Json;
/// use conduit_layers::Retry;
/// use conduit_memory::Memory;
/// use conduit_smol::Smol;
///
/// # fn main() -> Result<(), Error> {
/// # smol::block_on(async {
/// let retry = Retry::new().tries(5).idempotent(|call| call.subject().as_str() == "price");
/// let builder = Conduit::builder("shop").runtime(Smol).transport(Memory::new()).encoder(Json);
/// let shop = builder.layer(retry).build()?;
/// # shop.queue_bind("price").await?.serve(async |item: String| Ok::<_, Error>(item.len()));
/// let price = shop.own_service().request("price", "tea").await?;
/// # assert_eq!(price.decode::<usize>().await?, 3);
/// # Ok(())
/// # })
/// # }
/// ```
#[derive(Clone)]
pub struct Retry {
    tries: u32,
    pause: Duration,
    max_pause: Duration,
    budget: Budget,
    idempotent: Option<Idempotent>,
    /// How many pauses there were.
    count: Arc<AtomicU32>,
}

type Idempotent = Arc<dyn Fn(&OutboundCall) -> bool + Send + Sync>;

impl Retry {
    /// Creates a layer with the default limits.
    #[must_use]
    pub fn new() -> Self {
        Self {
            tries: 4,
            pause: Duration::from_millis(10),
            max_pause: Duration::from_secs(1),
            budget: Budget::default(),
            idempotent: None,
            count: Arc::default(),
        }
    }

    /// Sets how often a call is tried at most, the first time included.
    #[must_use]
    pub fn tries(mut self, most: u32) -> Self {
        self.tries = most.max(1);
        self
    }

    /// Sets the first pause, and the longest one.
    #[must_use]
    pub fn pause(mut self, first: Duration, longest: Duration) -> Self {
        (self.pause, self.max_pause) = (first, longest.max(first));
        self
    }

    /// Sets the budget, which several layers may share.
    #[must_use]
    pub fn budget(mut self, budget: Budget) -> Self {
        self.budget = budget;
        self
    }

    /// Says which calls may be executed more than once. These are also tried again if the handler may
    /// have been executed, or failed with a [transient](Failure::is_transient) failure.
    #[must_use]
    pub fn idempotent(
        mut self,
        is_idempotent: impl Fn(&OutboundCall) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.idempotent = Some(Arc::new(is_idempotent));
        self
    }

    /// Returns the pause before a try, of which up to a half is left out.
    fn pause_before(&self, call: &OutboundCall, tried: u32) -> Duration {
        let doubled = self.pause.saturating_mul(1 << (tried - 1).min(20)).min(self.max_pause);
        // By the instance and a count, which repeat in a simulation. FNV-1a mixes them.
        let count = self.count.fetch_add(1, Ordering::Relaxed).to_le_bytes();
        let bytes = call.source().instance.to_bytes().into_iter().chain(count);
        let mix = |mixed: u32, byte| (mixed ^ u32::from(byte)).wrapping_mul(0x0100_0193);
        let mixed = bytes.fold(0x811c_9dc5, mix);
        doubled.mul_f64(1.0 - f64::from(mixed >> 16) / f64::from(1 << 17))
    }
}

impl Default for Retry {
    fn default() -> Self {
        Self::new()
    }
}

/// Returns whether another try may succeed, if it does no harm that the first one was executed.
fn may_pass(error: &Error) -> bool {
    use ErrorKind as K;
    let passes = matches!(
        error.kind(),
        K::NoReceivers
            | K::NoAnswer
            | K::Overloaded
            | K::Draining
            | K::Unsupported
            | K::Late
            | K::Lost
            | K::Lagged
            | K::Disconnected
            | K::Transport
    );
    // That of a peer: this conduit's own is executed `No`.
    let is_closed_there = error.kind() == ErrorKind::Closed && error.executed() != Executed::No;
    passes || is_closed_there || error.failure().is_some_and(Failure::is_transient)
}

impl Layer for Retry {
    async fn outbound(&self, call: OutboundCall, next: Next<'_>) -> Outcome {
        if !matches!(call.kind(), CallKind::OneWay | CallKind::Request) {
            return next.run(call).await;
        }
        self.budget.earn();
        let is_idempotent = self.idempotent.as_ref().is_some_and(|is| is(&call));
        let mut call = call;
        for tried in 1..self.tries {
            let Some(again) = call.try_clone() else { break };
            let outcome = next.run(call).await;
            call = again;
            let retries =
                |error: &Error| error.is_retryable() || (is_idempotent && may_pass(error));
            if !outcome.error().is_some_and(retries) {
                return outcome;
            }
            let at = call.clock().now() + self.pause_before(&call, tried);
            if call.deadline().is_some_and(|deadline| at >= deadline) || !self.budget.spend() {
                return outcome;
            }
            call.clock().sleep_until(at).await;
        }
        next.run(call).await
    }
}

impl fmt::Debug for Retry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Retry")
            .field("tries", &self.tries)
            .field("pause", &self.pause)
            .field("max_pause", &self.max_pause)
            .field("budget", &self.budget)
            .finish_non_exhaustive()
    }
}
