use std::{fmt, sync::Arc};

use conduit::{Runtime, transport::Address};
use fastrand::Rng;

use super::Faults;

type Which = Box<dyn Fn(&Address, &[u8]) -> bool + Send + Sync>;

/// Assigns faults to packets. A seed determines when they happen: the same seed and the same
/// packets give the same faults.
///
/// [`Memory::inject_faults`](crate::Memory::inject_faults) activates it, and
/// [`Memory::end_faults`](crate::Memory::end_faults) ends it.
///
/// ```
/// use std::time::Duration;
///
/// use conduit::{Conduit, transport::Address};
/// use conduit_json::Json;
/// use conduit_memory::{Delay, FaultPlan, Faults, Memory};
/// use conduit_sim::Sim;
///
/// # fn main() -> Result<(), conduit::Error> {
/// let sim = Sim::new(1);
/// let reply = sim.block_on(async {
///     let broker = Memory::new();
///     let conduit = |name| {
///         let builder = Conduit::builder(name).runtime(sim.clone()).ids(sim.ids());
///         builder.transport(broker.clone()).encoder(Json).build()
///     };
///     let (asker, worker) = (conduit("asker")?, conduit("worker")?);
///     worker.queue_bind("echo").await?.to(|message| async move {
///         let body = message.take_body()?;
///         message.reply_body(body).await
///     });
///
///     // Streams go from inbox to inbox: a fifth of their packets is lost, all others are late.
///     let late = Faults::new().delay(Delay::Fixed(Duration::from_millis(5)));
///     let plan = FaultPlan::new(sim.clone(), sim.seed())
///         .on(|to, _| matches!(to, Address::Inbox { .. }), late.clone().drop(0.2))
///         .on_the_rest(late);
///     broker.inject_faults(plan);
///
///     let song = vec![7; 1_000_000];
///     let reply = asker.service("worker").request_body("echo", song).await?;
///     reply.to_bytes().await
/// })?;
/// assert_eq!(reply, vec![7; 1_000_000]);
/// # Ok(())
/// # }
/// ```
#[must_use = "a plan does nothing until it is injected"]
pub struct FaultPlan {
    pub(crate) runtime: Arc<dyn Runtime>,
    pub(super) rng: Rng,
    pub(super) bandwidth: Option<u32>,
    pub(super) receiving_bandwidth: Option<u32>,
    rules: Vec<(Which, Faults)>,
}

impl FaultPlan {
    /// Creates a plan without faults. A task of the runtime delivers delayed packets, by its clock.
    pub fn new(runtime: impl Runtime, seed: u64) -> Self {
        Self {
            runtime: Arc::new(runtime),
            rng: Rng::with_seed(seed),
            bandwidth: None,
            receiving_bandwidth: None,
            rules: Vec::new(),
        }
    }

    /// Sets the faults of the packets that a function selects by their address and content. If
    /// several functions select a packet, the first one applies.
    pub fn on(
        mut self,
        which: impl Fn(&Address, &[u8]) -> bool + Send + Sync + 'static,
        faults: Faults,
    ) -> Self {
        self.rules.push((Box::new(which), faults));
        self
    }

    /// Sets the faults of all packets that no function before selects.
    pub fn on_the_rest(self, faults: Faults) -> Self {
        self.on(|_, _| true, faults)
    }

    /// Sets how many bytes a second each connection can send; at least 1. Packets wait in the
    /// connection until it has sent those before.
    pub fn bandwidth(mut self, bytes_per_second: u32) -> Self {
        self.bandwidth = Some(bytes_per_second);
        self
    }

    /// Sets how many bytes a second each connection can receive; at least 1. Packets wait in the
    /// broker until the connection has received those before, of whichever subscription.
    pub fn receiving_bandwidth(mut self, bytes_per_second: u32) -> Self {
        self.receiving_bandwidth = Some(bytes_per_second);
        self
    }

    pub(super) fn faults(&self, to: &Address, packet: &[u8]) -> Option<&Faults> {
        let rule = self.rules.iter().find(|(which, _)| which(to, packet));
        rule.map(|(_, faults)| faults)
    }
}

impl fmt::Debug for FaultPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let faults = self.rules.iter().map(|(_, faults)| faults);
        f.debug_list().entries(faults).finish()
    }
}
