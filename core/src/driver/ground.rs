//! What every part of a conduit stands on: its configuration, its clock, its tasks, its transport and
//! its log. It knows none of the parts.

mod batches;
mod counters;
mod destinations;
mod log;
mod logged;
mod outbox;
mod publish;
mod stage;
mod tasks;
mod timers;
mod tokens;

use std::{sync::Arc, time::Instant};

use event_listener::Event;
use futures_lite::future;

pub(crate) use self::{
    counters::Counters,
    logged::{EventFields, Logged},
};
use self::{
    destinations::Destinations,
    log::Log,
    outbox::Notice,
    tasks::Tasks,
    timers::{Sleep, Timers},
    tokens::Tokens,
};
pub(super) use self::{
    stage::{Lifecycle, Stage},
    tokens::Purpose,
};
use super::{
    cleanup_flag::CleanupFlag, endpoint::GroupProbes, outlet::SendBuffer, records::Records,
    task_queue::TaskQueue, waiting::WaitingBytes,
};
use crate::{
    IdGenerator, MessageId, Runtime, ServiceName, Source, Subject,
    about::About,
    config::{Config, piece},
    id,
    proto::{
        Nonces,
        frame::{MAX_HEADER, Receiver},
    },
    transport::{Address, DynTransport, MIN_PACKET_LEN, Target},
};

pub(crate) struct Ground {
    pub(crate) config: Config,
    pub(crate) source: Source,
    pub(crate) inbox: Address,
    pub(crate) runtime: Arc<dyn Runtime>,
    pub(crate) transport: Box<dyn DynTransport>,
    pub(crate) tasks: Tasks,
    pub(crate) timers: Timers,
    outbox: TaskQueue<Notice>,
    send_buffer: SendBuffer,
    pub(super) group_probes: GroupProbes,
    pub(super) lifecycle: Lifecycle,
    pub(super) waiting: Arc<WaitingBytes>,
    /// Notified when something has ended that a drain may wait for.
    pub(super) ended: Event,
    pub(crate) counters: Counters,
    /// The bindings, with what they have received.
    pub(crate) records: Records,
    /// What this instance tells of itself.
    pub(crate) about: About,
    log: Log,
    pub(super) cleanup_flag: Arc<CleanupFlag>,
    pub(crate) destinations: Destinations,
    pub(crate) nonces: Nonces,
    tokens: Tokens,
    ids: Box<dyn IdGenerator>,
    started: Instant,
}

impl Ground {
    pub(crate) fn new(
        service: ServiceName,
        about: About,
        config: Config,
        runtime: Arc<dyn Runtime>,
        transport: Box<dyn DynTransport>,
        ids: Box<dyn IdGenerator>,
    ) -> Self {
        let instance = id::instance_id(&*ids);
        let cleanup_flag = Arc::<CleanupFlag>::default();
        Self {
            inbox: Address::inbox(&service, instance),
            source: Source { service, instance },
            tasks: Tasks::new(),
            timers: Timers::default(),
            outbox: TaskQueue::default(),
            send_buffer: SendBuffer::new(config.send_buffer),
            group_probes: GroupProbes::default(),
            lifecycle: Lifecycle::default(),
            waiting: Arc::new(WaitingBytes::new(config.waiting_bytes)),
            ended: Event::new(),
            counters: Counters::default(),
            records: Records::default(),
            about,
            log: Log::default(),
            destinations: Destinations::new(Arc::clone(&cleanup_flag)),
            cleanup_flag,
            nonces: Nonces::new(id::secret(&*ids)),
            tokens: Tokens::new(id::secret(&*ids)),
            config,
            started: runtime.now(),
            runtime,
            transport,
            ids,
        }
    }

    pub(crate) fn now(&self) -> Instant {
        self.runtime.now()
    }

    /// Returns the age of this conduit at an instant, in milliseconds.
    pub(crate) fn age(&self, at: Instant) -> u64 {
        u64::try_from(at.saturating_duration_since(self.started).as_millis()).unwrap_or(u64::MAX)
    }

    /// Waits until an instant. Returns at once when the conduit is closed, so that user operations
    /// end.
    pub(crate) fn sleep_until(&self, at: Instant) -> Sleep<'_> {
        self.timers.sleep_until(&*self.runtime, at)
    }

    /// Waits until an instant in a task of the conduit; for ever once the conduit is closed, so
    /// that a loop that sleeps does not spin until its task is dropped.
    pub(super) async fn pause_until(&self, at: Instant) {
        self.sleep_until(at).await;
        if self.is_closed() {
            future::pending::<()>().await;
        }
    }

    /// Waits until a deadline has passed, if there is one.
    pub(crate) async fn passed(&self, deadline: Option<Instant>) {
        match deadline {
            Some(at) => self.sleep_until(at).await,
            None => future::pending().await,
        }
    }

    pub(crate) fn message_id(&self) -> MessageId {
        id::message_id(&*self.ids)
    }

    /// Returns an unpredictable number.
    pub(super) fn random(&self) -> u64 {
        let [a, b, c, d, e, f, g, h, ..] = id::secret(&*self.ids);
        u64::from_be_bytes([a, b, c, d, e, f, g, h])
    }

    /// Returns this conduit as the receiver of a body.
    pub(crate) fn receiver(&self, port: u64) -> Receiver {
        Receiver { instance: self.source.instance, port }
    }

    /// Returns the address of the bindings of one kind at a subject of this service.
    pub(super) fn own_subject(&self, subject: Subject, target: Target) -> Address {
        let service = self.source.service.clone();
        Address::Subject { service, subject, targets: target.into() }
    }

    /// Returns how many bytes of a body one packet may hold.
    pub(crate) fn chunk(&self) -> usize {
        let packet = self.transport.max_packet_len().max(MIN_PACKET_LEN);
        self.config.chunk.min(packet - MAX_HEADER)
    }

    /// Returns how many bytes of a stream one packet may hold. With its header and the broker's
    /// own, it is no longer than a chunk: clients read into buffers of a power of two, and copy
    /// packets that do not fit the rest of a buffer.
    pub(super) fn piece(&self) -> usize {
        piece(self.chunk())
    }
}
