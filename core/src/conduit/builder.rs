mod about;
mod failures;
mod layers;
mod waiting;

use std::{fmt, sync::Arc, time::Duration};

use crate::{
    Conduit, Encoder, Error, IdGenerator, Limits, Runtime, ServiceName,
    about::{About, type_name},
    config::Config,
    driver::{self, Ground},
    handle::Handle,
    id::SystemIds,
    layer::{Around, Layers},
    transport::{DynTransport, Transport},
};

/// Marks a runtime, transport or encoder that a [`Builder`] does not have yet.
///
/// ```compile_fail,E0277
/// use conduit::Conduit;
///
/// Conduit::builder("user-service").build(); // without a runtime, a transport and an encoder
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Missing;

/// A builder for a [`Conduit`] with custom limits; see [`Conduit::builder`].
///
/// A runtime, a transport and an encoder are required. Sizes are in bytes; limits that are not set
/// keep their defaults.
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
    ids: Box<dyn IdGenerator>,
    config: Config,
    layers: Layers,
    about: About,
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
            layers: Layers::default(),
            about: About::default(),
        }
    }
}

impl<R, T, E> Builder<R, T, E> {
    /// Sets the runtime that runs the conduit's tasks and handlers.
    pub fn runtime<N: Runtime>(self, runtime: N) -> Builder<N, T, E> {
        let Self { service, transport, encoder, ids, config, layers, about, .. } = self;
        Builder { service, runtime, transport, encoder, ids, config, layers, about }
    }

    /// Sets the transport that moves the conduit's packets.
    pub fn transport<N: Transport>(self, transport: N) -> Builder<R, N, E> {
        let Self { service, runtime, encoder, ids, config, layers, about, .. } = self;
        Builder { service, runtime, transport, encoder, ids, config, layers, about }
    }

    /// Sets the encoder for values.
    pub fn encoder<N: Encoder>(self, encoder: N) -> Builder<R, T, N> {
        let Self { service, runtime, transport, ids, config, layers, about, .. } = self;
        Builder { service, runtime, transport, encoder, ids, config, layers, about }
    }

    /// Sets the generator of ids; by default, the operating system. Only for reproducible tests: ids
    /// protect inboxes, so they have to be unpredictable.
    pub fn ids(mut self, ids: impl IdGenerator) -> Self {
        self.ids = Box::new(ids);
        self
    }

    /// Sets all limits that are given, for example in a configuration file. The others keep their
    /// values.
    pub fn limits(mut self, limits: &Limits) -> Self {
        self.config.apply(limits);
        self
    }

    /// Sets how many bytes of a body one packet carries at most; 16 KiB by default. Less if the
    /// transport's packets are smaller.
    pub fn chunk_size(mut self, bytes: usize) -> Self {
        self.config.chunk = bytes;
        self
    }

    /// Sets how many bytes of one body each side buffers; 1 MiB by default. A sender is never
    /// further ahead of a receiver than this.
    pub fn body_window(mut self, bytes: u64) -> Self {
        self.config.window = bytes;
        self
    }

    /// Sets how many bytes of a body may be sent before a receiver reads it; 64 KiB by default. Where
    /// the [transport](crate::transport::Transport::body_budget) bears a part of the usual budget
    /// only, they are that part, and 2 KiB at least.
    pub fn first_window(mut self, bytes: u64) -> Self {
        self.config.first_window = bytes;
        self
    }

    /// Sets how many bytes all incoming bodies may buffer together; 48 MiB by default, or what the
    /// [transport](crate::transport::Transport::body_budget) bears if that is less. Each body is
    /// guaranteed the first window, whatever the others use; an offer that finds no room for that
    /// is refused as `Overloaded`. One half of the budget is reserved for first windows, the other
    /// for bodies being read. Of each half, one sender gets at most a third, and all instances of
    /// one service together half.
    pub fn body_budget(mut self, bytes: u64) -> Self {
        self.config.budget = Some(bytes);
        self
    }

    /// Sets how many bytes `decode`, `to_bytes` and `text` accept at most; 5 MiB by default.
    pub fn max_decode_size(mut self, bytes: usize) -> Self {
        self.config.max_decode_size = Some(bytes);
        self
    }

    /// Lets `decode`, `to_bytes` and `text` load bodies of any size into memory.
    pub fn no_max_decode_size(mut self) -> Self {
        self.config.max_decode_size = None;
        self
    }

    /// Sets the default timeout of requests; 30 s by default.
    pub fn request_timeout(mut self, timeout: Duration) -> Self {
        self.config.request_timeout = timeout;
        self
    }

    /// Sets how long to wait for the answer to an offer, or for a connection; 5 s by default.
    pub fn send_timeout(mut self, timeout: Duration) -> Self {
        self.config.send_timeout = timeout;
        self
    }

    /// Sets how long receivers may join a broadcast body; 250 ms by default.
    pub fn join_window(mut self, window: Duration) -> Self {
        self.config.join_window = window;
        self
    }

    /// Sets how long a receiver of a broadcast body may hold up the others; 10 s by default. With a
    /// shorter limit, less time is lost to a stalled one, and a slow one is cut off sooner.
    pub fn lag_limit(mut self, limit: Duration) -> Self {
        self.config.lag_limit = limit;
        self
    }

    /// Sets how long a peer may be silent before its open bodies and requests fail as `Lost`; 10 s
    /// by default.
    pub fn idle_limit(mut self, limit: Duration) -> Self {
        self.config.idle_limit = limit;
        self
    }

    /// Sets how many bodies of one binding may be open; 512 by default. Further ones are refused,
    /// as are those of one sender beyond a third, so that other senders find room.
    pub fn max_bodies_per_binding(mut self, count: usize) -> Self {
        self.config.bodies_per_binding = count;
        self
    }

    /// Sets how many incoming bodies of the conduit may be open; 1,024 by default. Further ones are
    /// refused, as are those of one sender beyond a third.
    pub fn max_bodies(mut self, count: usize) -> Self {
        self.config.bodies = count;
        self
    }

    /// Sets how long closing waits for work in progress; 1 s by default. See [`Conduit::close`].
    pub fn close_timeout(mut self, timeout: Duration) -> Self {
        self.config.close_timeout = timeout;
        self
    }

    /// Sets the size of the outbox: how many notices (refusals, cancellations, failures) may wait to
    /// be sent in the background; 8,192 by default. Further ones are dropped and
    /// [counted](crate::Stats::outbox_dropped).
    pub fn outbox_size(mut self, count: usize) -> Self {
        self.config.outbox = count;
        self
    }

    /// Sets how many bytes of messages may wait while the connection is busy, so that they travel
    /// together; 1 MiB by default. When it is full, sending waits. With 0 every message travels
    /// alone.
    pub fn send_buffer(mut self, bytes: usize) -> Self {
        self.config.send_buffer = bytes;
        self
    }
}

impl<R, T, E> Builder<R, T, E> {
    /// Creates the conduit.
    ///
    /// # Errors
    /// `InvalidName` if the service name is not valid, `InvalidLimit` if limits contradict each
    /// other, or those of [`version`](Self::version) and [`description`](Self::description).
    ///
    /// # Panics
    /// If the runtime panics because it is not running.
    pub fn build(self) -> Result<Conduit<E>, Error>
    where
        R: Runtime,
        T: Transport,
        E: Encoder,
    {
        let service = self.service?;
        self.config.check()?;
        about::check(&self.about)?;
        let about = About {
            runtime: type_name::<R>(),
            transport: type_name::<T>(),
            content_type: self.encoder.content_type(),
            ..self.about
        };
        let transport: Box<dyn DynTransport> = Box::new(self.transport);
        let runtime = Arc::new(self.runtime);
        let ground = Ground::new(service, about, self.config, runtime, transport, self.ids);
        let shared = driver::start(ground, self.layers.gate());
        let handle = Handle::new(shared, Arc::new(self.encoder));
        Ok(Conduit::new_handle(handle, Around::new(self.layers)))
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
