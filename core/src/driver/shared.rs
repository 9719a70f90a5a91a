use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use bytes::Bytes;
use event_listener::Event;
use futures_lite::future;

use super::{
    destinations::Destinations,
    handing_on::HandingOn,
    lifecycle::Lifecycle,
    log::Log,
    notices::Tokens,
    outbox::Outbox,
    requests::Requests,
    routes::Routes,
    serving::Serving,
    streams::Streams,
    tasks::Tasks,
    tidying::Untidy,
    timers::{Sleep, Timers},
    waiting::WaitingBytes,
    work::Work,
};
use crate::{
    Error, ErrorKind, Executed, IdSource, InstanceId, MessageId, Runtime, ServiceName,
    config::{Config, piece},
    id,
    proto::{
        Nonces,
        frame::{MAX_HEADER, Receiver, Source},
    },
    transport::{Address, Destination, DynTransport, MIN_PACKET_LEN, Token},
};

/// The state that the parts of a conduit share.
pub(crate) struct Shared {
    pub(crate) config: Config,
    pub(crate) source: Source,
    pub(crate) inbox: Address,
    pub(crate) runtime: Arc<dyn Runtime>,
    pub(crate) transport: Box<dyn DynTransport>,
    pub(crate) tasks: Tasks,
    pub(crate) timers: Timers,
    pub(super) outbox: Outbox,
    pub(super) handing_on: HandingOn,
    pub(super) lifecycle: Lifecycle,
    pub(super) streams: Streams,
    pub(super) requests: Requests,
    pub(super) routes: Routes,
    pub(super) serving: Serving,
    pub(super) work: Work,
    pub(super) waiting: Arc<WaitingBytes>,
    /// Notified when something has ended that a drain may wait for.
    pub(super) ended: Event,
    pub(crate) counters: Counters,
    pub(super) log: Log,
    pub(super) untidy: Arc<Untidy>,
    pub(crate) destinations: Destinations,
    pub(crate) nonces: Nonces,
    pub(super) tokens: Tokens,
    ids: Box<dyn IdSource>,
    started: Instant,
}

/// The counters of a conduit.
#[derive(Default)]
pub(crate) struct Counters {
    /// One-way messages that a full binding dropped.
    pub(crate) lost: Counter,
    /// Messages to plain bindings lost in transit.
    pub(crate) missed: Counter,
    /// Packets that could not be understood.
    pub(crate) invalid: Counter,
    /// Notices dropped because the outbox was full.
    pub(crate) unposted: Counter,
}

#[derive(Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    pub(crate) fn take_back(&self, count: u64) {
        self.0.fetch_sub(count, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Locks a mutex, ignoring poison: the state is consistent after every step.
pub(super) fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    pub(crate) fn start(
        service: ServiceName,
        config: Config,
        runtime: Arc<dyn Runtime>,
        transport: Box<dyn DynTransport>,
        ids: Box<dyn IdSource>,
    ) -> Arc<Self> {
        let instance = id::instance_id(&*ids);
        let untidy = Arc::<Untidy>::default();
        let shared = Arc::new(Self {
            inbox: Address::Inbox { service: service.clone(), instance },
            source: Source { service, instance },
            tasks: Tasks::new(),
            timers: Timers::default(),
            outbox: Outbox::new(config.outbox),
            handing_on: HandingOn::default(),
            lifecycle: Lifecycle::default(),
            streams: Streams::new(&config),
            requests: Requests::default(),
            routes: Routes::default(),
            serving: Serving::default(),
            work: Work::default(),
            waiting: Arc::new(WaitingBytes::new(config.waiting_bytes)),
            ended: Event::new(),
            counters: Counters::default(),
            log: Log::default(),
            destinations: Destinations::new(Arc::clone(&untidy)),
            untidy,
            nonces: Nonces::new(id::secret(&*ids)),
            tokens: Tokens::new(id::secret(&*ids)),
            config,
            started: runtime.now(),
            runtime,
            transport,
            ids,
        });
        shared.launch();
        shared
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

    /// Returns this conduit as the receiver of a body.
    pub(crate) fn receiver(&self, port: u64) -> Receiver {
        Receiver { instance: self.source.instance, port }
    }

    /// Returns the inbox of a sender.
    pub(crate) fn inbox_of(source: &Source) -> Address {
        Address::Inbox { service: source.service.clone(), instance: source.instance }
    }

    /// Returns the inbox of an instance of a service.
    pub(crate) fn inbox_at(service: &ServiceName, instance: InstanceId) -> Address {
        Address::Inbox { service: service.clone(), instance }
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

    /// Publishes a packet, if that is possible without waiting.
    pub(crate) fn publish_now(
        &self,
        to: &Destination,
        packet: Bytes,
        notice: Option<Token>,
    ) -> Option<Result<(), Error>> {
        let undelivered = notice.map(|token| (&self.inbox, token));
        let result = self.transport.publish_now(to, packet, undelivered)?;
        Some(result.map_err(Error::from))
    }

    /// Publishes a packet, waiting at most for the send timeout and until a deadline. An error
    /// tells that no handler was executed, unless the packet was handed over: then one may be, even
    /// if the connection has broken.
    pub(crate) async fn publish(
        &self,
        to: &Destination,
        packet: impl Fn() -> Bytes,
        notice: Option<Token>,
        deadline: Option<Instant>,
    ) -> Result<(), Error> {
        match self.publish_now(to, packet(), notice) {
            Some(published) => published,
            // Boxed: few packets wait, but every caller's future would hold its state.
            None => Box::pin(self.publish_later(to.address(), packet(), notice, deadline)).await,
        }
    }

    async fn publish_later(
        &self,
        to: &Address,
        packet: Bytes,
        notice: Option<Token>,
        deadline: Option<Instant>,
    ) -> Result<(), Error> {
        let mut packet = Some(packet);
        let undelivered = notice.map(|token| (&self.inbox, token));
        let publish = self.transport.publish(to, &mut packet, undelivered);
        let published = self.in_time(deadline, async { Ok(publish.await?) }).await;
        published.map_err(|error| {
            let may_arrive = packet.is_none() && error.kind() != ErrorKind::Denied;
            error.with_executed(if may_arrive { Executed::Maybe } else { Executed::No })
        })
    }

    /// Waits for the broker, at most for the send timeout and until a deadline.
    pub(super) async fn in_time<T>(
        &self,
        deadline: Option<Instant>,
        doing: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let timeout = self.now() + self.config.send_timeout;
        let until = deadline.map_or(timeout, |deadline| deadline.min(timeout));
        let late = async {
            self.sleep_until(until).await;
            // Sleeps end early when the conduit is closed.
            Err(if self.is_closed() {
                ErrorKind::Closed.into()
            } else if deadline == Some(until) {
                ErrorKind::Deadline.into()
            } else {
                let text = format!("waited {:?} for it", self.config.send_timeout);
                Error::new(ErrorKind::Disconnected, text)
            })
        };
        future::or(doing, late).await
    }
}
