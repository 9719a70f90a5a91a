use std::time::Duration;

use serde::Serialize;

use crate::driver::Shared;

/// What a conduit holds now, and its counters since it was created.
///
/// The amounts held return to their previous values when the work is done; tests can rely on that.
///
/// ```
/// use conduit::Conduit;
/// use conduit_json::Json;
/// use conduit_memory::Memory;
/// use conduit_smol::Smol;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # smol::block_on(async {
/// let conduit = Conduit::new("worker", Smol, Memory::new(), Json)?;
/// let mut jobs = conduit.queue_bind("job").await?;
/// conduit.own_service().send("job", &1).await?;
///
/// let job = jobs.next().await.expect("it is bound");
/// assert_eq!(job.decode::<u64>().await?, 1);
/// let stats = conduit.stats();
/// assert_eq!((stats.bindings, stats.waiting_bytes, stats.lost_messages), (1, 0, 0));
/// # Ok(())
/// # })
/// # }
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Stats {
    /// Running tasks.
    pub tasks: usize,
    /// Subscriptions to subjects.
    pub subscriptions: usize,
    /// Bindings.
    pub bindings: usize,
    /// Incoming bodies.
    pub incoming_bodies: usize,
    /// Outgoing bodies.
    pub outgoing_bodies: usize,
    /// Bytes that incoming bodies buffer, or that their senders may send.
    pub incoming_bytes: u64,
    /// Bytes that outgoing bodies buffer until every receiver has acknowledged them.
    pub outgoing_bytes: u64,
    /// Bytes of messages and replies that wait to be taken: the length of their packets, without
    /// streamed bodies.
    pub waiting_bytes: u64,
    /// Requests sent from here that wait for an answer.
    pub pending_requests: usize,
    /// Requests received here that wait or are being handled.
    pub open_requests: usize,
    /// Messages lost because a binding was full: see [`Binding::lost`](crate::Binding::lost).
    pub lost_messages: u64,
    /// Messages to bindings lost in transit: see [`Binding::missed`](crate::Binding::missed).
    pub missed_messages: u64,
    /// Messages to bindings that layers have refused: see
    /// [`Binding::refused`](crate::Binding::refused).
    pub refused_messages: u64,
    /// Packets that could not be understood.
    pub invalid_packets: u64,
    /// Messages and replies whose sending had succeeded, and that could not be handed over later:
    /// see [`send_buffer`](crate::Builder::send_buffer).
    pub unsent_messages: u64,
    /// Notices dropped because the outbox was full: see
    /// [`outbox_size`](crate::Builder::outbox_size).
    pub outbox_dropped: u64,
    /// How long outgoing bodies have waited for credit, added up: they had bytes that a receiver had
    /// not granted, because its reader had not read what came before, or because the grant was on its
    /// way.
    pub waited_for_credit: Duration,
}

impl Stats {
    pub(crate) fn of(shared: &Shared) -> Self {
        let (incoming_bytes, outgoing_bytes) = shared.streams.held();
        let (incoming_bodies, outgoing_bodies) = shared.streams.open();
        let (subscriptions, bindings) = shared.routes.len();
        Self {
            tasks: shared.tasks.live(),
            subscriptions,
            bindings,
            incoming_bodies,
            outgoing_bodies,
            incoming_bytes,
            outgoing_bytes,
            waiting_bytes: shared.routes.waiting_bytes() + shared.requests.waiting_bytes(),
            pending_requests: shared.requests.len(),
            open_requests: shared.serving.len(),
            lost_messages: shared.counters.lost.get(),
            missed_messages: shared.counters.missed.get(),
            refused_messages: shared.counters.refused.get(),
            invalid_packets: shared.counters.invalid.get(),
            unsent_messages: shared.counters.unsent.get(),
            outbox_dropped: shared.counters.outbox_dropped.get(),
            waited_for_credit: shared.streams.stalled(),
        }
    }
}
