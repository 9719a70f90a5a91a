use std::{fmt, sync::Arc, time::Duration};

use crate::{
    Conduit, Encoder, Error, IdSource, Runtime, ServiceName,
    config::Config,
    driver::Shared,
    handle::Handle,
    id::SystemIds,
    transport::{DynTransport, Transport},
};

/// No runtime, transport or encoder was given yet.
///
/// ```compile_fail,E0277
/// use conduit::Conduit;
///
/// Conduit::builder("user-service").build(); // without a runtime, a transport and an encoder
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Missing;

/// Makes a [`Conduit`] with limits of its own; see [`Conduit::builder`].
///
/// A runtime, a transport and an encoder are needed. Limits are in bytes unless something else is
/// said; what none of these sets is at its default.
///
/// ```
/// use std::time::Duration;
///
/// use conduit::Conduit;
/// use conduit_json::Json;
/// use conduit_memory::Memory;
/// use conduit_smol::Smol;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # smol::block_on(async {
/// let builder = Conduit::builder("user-service")
///     .runtime(Smol)
///     .transport(Memory::new())
///     .encoder(Json)
///     .request_timeout(Duration::from_secs(5))
///     .body_window(256 << 10)
///     .max_waiting_messages(100);
/// let conduit = builder.build()?;
/// assert_eq!(conduit.name().as_str(), "user-service");
/// # conduit.close().await;
/// # Ok(())
/// # })
/// # }
/// ```
#[must_use = "a builder does nothing until `build` is called"]
pub struct Builder<R = Missing, T = Missing, E = Missing> {
    service: Result<ServiceName, Error>,
    runtime: R,
    transport: T,
    encoder: E,
    ids: Box<dyn IdSource>,
    config: Config,
}

impl Builder {
    pub(crate) fn new(service: Result<ServiceName, Error>) -> Self {
        Self {
            service,
            runtime: Missing,
            transport: Missing,
            encoder: Missing,
            ids: Box::new(SystemIds::default()),
            config: Config::default(),
        }
    }
}

impl<R, T, E> Builder<R, T, E> {
    /// The runtime that runs the conduit's tasks and its handlers.
    pub fn runtime<N: Runtime>(self, runtime: N) -> Builder<N, T, E> {
        let Self { service, transport, encoder, ids, config, .. } = self;
        Builder { service, runtime, transport, encoder, ids, config }
    }

    /// The transport that moves its packets.
    pub fn transport<N: Transport>(self, transport: N) -> Builder<R, N, E> {
        let Self { service, runtime, encoder, ids, config, .. } = self;
        Builder { service, runtime, transport, encoder, ids, config }
    }

    /// The encoder of its values.
    pub fn encoder<N: Encoder>(self, encoder: N) -> Builder<R, T, N> {
        let Self { service, runtime, transport, ids, config, .. } = self;
        Builder { service, runtime, transport, encoder, ids, config }
    }

    /// Where ids come from; by default, from the operating system. Only for tests that want the
    /// same run twice: ids protect inboxes, so they have to be unpredictable.
    pub fn ids(mut self, ids: impl IdSource) -> Self {
        self.ids = Box::new(ids);
        self
    }

    /// The most bytes of a body that travel in one packet; 16 KiB. Less where the transport's
    /// packets are smaller.
    pub fn chunk_size(mut self, bytes: usize) -> Self {
        self.config.chunk = bytes;
        self
    }

    /// How much of one body is kept at each side; 1 MiB. A sender is never further ahead of a
    /// receiver than this.
    pub fn body_window(mut self, bytes: u64) -> Self {
        self.config.window = bytes;
        self
    }

    /// How much of a body may be sent before anybody reads it; 64 KiB.
    pub fn first_window(mut self, bytes: u64) -> Self {
        self.config.first_window = bytes;
        self
    }

    /// How much all incoming bodies may hold together; 48 MiB. Each may hold the first window
    /// whatever the others do; an offer that finds no room for it is refused as overloaded. Half of it
    /// is for first windows, and the rest for bodies that are read. Of each half one sender alone gets
    /// a third, and all instances of one service half.
    pub fn body_budget(mut self, bytes: u64) -> Self {
        self.config.budget = bytes;
        self
    }

    /// The most bytes that `decode`, `to_bytes` and `text` take; 5 MiB.
    pub fn max_decode_size(mut self, bytes: usize) -> Self {
        self.config.max_decode_size = Some(bytes);
        self
    }

    /// Lets `decode`, `to_bytes` and `text` take bodies of any size into memory.
    pub fn no_max_decode_size(mut self) -> Self {
        self.config.max_decode_size = None;
        self
    }

    /// How long a request may take, unless it says otherwise; 30 s.
    pub fn request_timeout(mut self, timeout: Duration) -> Self {
        self.config.request_timeout = timeout;
        self
    }

    /// How long to wait for the answer to an offer, or for a connection; 5 s.
    pub fn send_timeout(mut self, timeout: Duration) -> Self {
        self.config.send_timeout = timeout;
        self
    }

    /// How long receivers may join a broadcast body; 250 ms.
    pub fn join_window(mut self, window: Duration) -> Self {
        self.config.join_window = window;
        self
    }

    /// How long a receiver of a broadcast body may hold up the others; 10 s.
    pub fn lag_limit(mut self, limit: Duration) -> Self {
        self.config.lag_limit = limit;
        self
    }

    /// How long the other side of an open body may be silent before it is given up; 10 s.
    pub fn idle_limit(mut self, limit: Duration) -> Self {
        self.config.idle_limit = limit;
        self
    }

    /// How many messages wait in a binding; 1,024. One-way messages beyond are dropped and counted,
    /// requests and streamed bodies refused. As many answers to one
    /// [`request_all`](crate::Service::request_all) wait.
    pub fn max_waiting_messages(mut self, count: usize) -> Self {
        self.config.waiting = count;
        self
    }

    /// How many bytes wait in a binding; 4 MiB. As many bytes of the answers to one
    /// [`request_all`](crate::Service::request_all) wait. What exceeds them is dropped or refused as
    /// with [`max_waiting_messages`](Self::max_waiting_messages).
    ///
    /// A packet counts with its whole length, so an offer of a streamed body counts with its headers;
    /// its body has a [budget](Self::body_budget) of its own. Where nothing waits, there is room for
    /// one message of any size.
    pub fn max_waiting_bytes_per_binding(mut self, bytes: u64) -> Self {
        self.config.waiting_bytes_per_binding = bytes;
        self
    }

    /// How many bytes of messages and replies wait in the whole conduit to be taken; 16 MiB. The first
    /// 16 KiB of each binding and each request are not counted, and where nothing waits, there is room
    /// for one message of any size. See [`Stats::waiting_bytes`](crate::Stats::waiting_bytes).
    pub fn max_waiting_bytes(mut self, bytes: u64) -> Self {
        self.config.waiting_bytes = bytes;
        self
    }

    /// How long a request waits in a queue binding to be taken, by a handler or by a loop; 100 ms.
    /// One that has waited longer goes back to the group, and while one that cannot does, new ones
    /// are refused: their senders ask the group again. See
    /// [`Binding::concurrency`](crate::Binding::concurrency).
    pub fn max_request_wait(mut self, time: Duration) -> Self {
        self.config.request_wait = time;
        self
    }

    /// How many bodies of one binding are open; 512. More are refused, and of one sender more than a
    /// third: something is left for others.
    pub fn max_bodies_per_binding(mut self, count: usize) -> Self {
        self.config.bodies_per_binding = count;
        self
    }

    /// How many incoming bodies of the conduit are open; 1,024. More are refused, and of one sender
    /// more than a third.
    pub fn max_bodies(mut self, count: usize) -> Self {
        self.config.bodies = count;
        self
    }

    /// How long closing waits for what is going on; 1 s. See [`Conduit::close`].
    pub fn close_timeout(mut self, timeout: Duration) -> Self {
        self.config.close_timeout = timeout;
        self
    }

    /// Whether the text of a panic in a handler is sent to its asker; it is not, since nobody wrote
    /// it for that. It is logged in any case.
    pub fn send_panic_texts(mut self, send: bool) -> Self {
        self.config.send_panic_texts = send;
        self
    }

    /// Whether askers get no texts of failures at all; they do. Of a [`Failure`](crate::Failure),
    /// code and detail are sent all the same: they are for programs. What is not sent is logged.
    pub fn hide_failure_texts(mut self, hide: bool) -> Self {
        self.config.hide_failure_texts = hide;
        self
    }

    /// How many packets that nobody waits for (refusals, cancellations, failures) may wait to be
    /// sent; 8,192. More are dropped and counted.
    pub fn max_unsent_notices(mut self, count: usize) -> Self {
        self.config.outbox = count;
        self
    }
}

impl<R, T, E> Builder<R, T, E> {
    /// Makes the conduit.
    ///
    /// # Errors
    /// `InvalidName` where the service cannot be called so, `InvalidLimit` where limits contradict
    /// each other.
    ///
    /// # Panics
    /// Where the runtime panics because it is not running.
    pub fn build(self) -> Result<Conduit<E>, Error>
    where
        R: Runtime,
        T: Transport,
        E: Encoder,
    {
        let service = self.service?;
        self.config.check()?;
        let transport: Box<dyn DynTransport> = Box::new(self.transport);
        let shared =
            Shared::start(service, self.config, Arc::new(self.runtime), transport, self.ids);
        Ok(Conduit::from_handle(Handle::new(shared, Arc::new(self.encoder))))
    }
}

impl<R, T, E> fmt::Debug for Builder<R, T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("service", &self.service)
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}
