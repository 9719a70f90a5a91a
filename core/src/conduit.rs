use std::{fmt, time::Duration};

use crate::{
    Builder, Drained, Encoder, Error, InstanceId, Runtime, ServiceName, Stats, Subject,
    binding::Binding, handle::Handle, proto::BindingKind, service::Service, transport::Transport,
};

/// A service's connection to all others: it sends to them, and binds to what they send.
///
/// One conduit stands for one instance of a service. It is cheap to clone, and all clones are the
/// same conduit. It stays open as long as one of them is kept, or a [`Service`], [`Binding`] or
/// [`Message`](crate::Message) of it; a running handler alone does not keep it open. Where handlers
/// are bound when the last of these is dropped, the log says so, at info.
///
/// ```
/// use conduit::Conduit;
/// use conduit_json::Json;
/// use conduit_memory::Memory;
/// use conduit_smol::Smol;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # smol::block_on(async {
/// let broker = Memory::new();
/// let users = Conduit::new("user-service", Smol, broker.clone(), Json)?;
/// let mail = Conduit::new("mail-service", Smol, broker, Json)?;
///
/// let mut created = mail.bind("user.created").await?;
/// users.service("mail-service").send("user.created", "alice@example.com").await?;
///
/// let message = created.next().await.expect("it is bound");
/// assert_eq!(message.decode::<String>().await?, "alice@example.com");
/// # Ok(())
/// # })
/// # }
/// ```
#[must_use = "a conduit closes when its last handle is dropped"]
pub struct Conduit<E> {
    handle: Handle<E>,
}

impl<E: Encoder> Conduit<E> {
    /// Makes a conduit for an instance of a service, with every limit at its default.
    ///
    /// It subscribes in the background; what needs that waits for it, up to the send timeout.
    ///
    /// # Errors
    /// [`InvalidName`](crate::ErrorKind::InvalidName) where the service cannot be called so.
    ///
    /// # Panics
    /// Where the runtime panics because it is not running: `Tokio` outside of tokio, for one.
    pub fn new<S>(
        service: S,
        runtime: impl Runtime,
        transport: impl Transport,
        encoder: E,
    ) -> Result<Self, Error>
    where
        S: TryInto<ServiceName>,
        Error: From<S::Error>,
    {
        Conduit::builder(service).runtime(runtime).transport(transport).encoder(encoder).build()
    }

    pub(crate) fn from_handle(handle: Handle<E>) -> Self {
        Self { handle }
    }

    /// Another service, or this one, to send to.
    ///
    /// A name that is not valid is reported by what is then sent.
    pub fn service<S>(&self, name: S) -> Service<E>
    where
        S: TryInto<ServiceName>,
        Error: From<S::Error>,
    {
        let name = name.try_into().map_err(Error::from);
        Service::new(self.handle.clone(), name, None)
    }

    /// The service that this conduit is an instance of: to reach all instances of it, this one too.
    #[must_use]
    pub fn own_service(&self) -> Service<E> {
        let name = Ok(self.name().clone());
        Service::new(self.handle.clone(), name, None)
    }

    /// Binds to a subject: the binding gets every message that is sent to it, as does every other
    /// binding of it in every instance of this service.
    ///
    /// It returns when the broker that this conduit is connected to routes to the binding: what
    /// anyone connected to it sends after that arrives. In a cluster, interest spreads to the other
    /// brokers a moment later.
    ///
    /// Cancel safe: dropped before it is done, nothing is bound.
    ///
    /// # Errors
    /// `InvalidName`; `Disconnected` where the broker does not answer within the send timeout;
    /// `Denied`; `Closed`.
    pub async fn bind<S>(&self, subject: S) -> Result<Binding<E>, Error>
    where
        S: TryInto<Subject> + Send,
        Error: From<S::Error>,
    {
        self.bind_as(subject.try_into()?, BindingKind::Broadcast).await
    }

    /// Like [`bind`](Self::bind), for one message only: the binding ends when it has taken it.
    ///
    /// # Errors
    /// Those of [`bind`](Self::bind).
    pub async fn bind_once<S>(&self, subject: S) -> Result<Binding<E>, Error>
    where
        S: TryInto<Subject> + Send,
        Error: From<S::Error>,
    {
        self.bind_as(subject.try_into()?, BindingKind::Once).await
    }

    /// Binds to a subject as a member of a group: of all queue bindings of the subject, in all
    /// instances of this service, one gets a message. Plain bindings get it besides.
    ///
    /// # Errors
    /// Those of [`bind`](Self::bind).
    pub async fn queue_bind<S>(&self, subject: S) -> Result<Binding<E>, Error>
    where
        S: TryInto<Subject> + Send,
        Error: From<S::Error>,
    {
        self.bind_as(subject.try_into()?, BindingKind::Queue).await
    }

    async fn bind_as(&self, subject: Subject, kind: BindingKind) -> Result<Binding<E>, Error> {
        let bound = self.handle.shared().bind(subject, kind).await?;
        Ok(Binding::new(bound, self.handle.clone()))
    }

    /// The name of this service.
    #[must_use]
    pub fn name(&self) -> &ServiceName {
        &self.handle.shared().source.service
    }

    /// This instance of it.
    #[must_use]
    pub fn instance(&self) -> InstanceId {
        self.handle.shared().source.instance
    }

    /// What the conduit holds and has counted so far.
    #[must_use]
    pub fn stats(&self) -> Stats {
        Stats::of(self.handle.shared())
    }

    /// Ends the work of this instance without losing any, and closes the conduit.
    ///
    /// 1. It leaves every subject. What the broker had routed here by then still comes, and is
    ///    handled; what comes too late is handed on to the other members of its group, or refused,
    ///    so that its sender asks them.
    /// 2. Messages that wait, running handlers, open bodies and pending requests go on until they
    ///    end, or the limit has passed. Meanwhile everything but binding works: handlers may have to
    ///    ask somebody to come to an end.
    /// 3. What is left is cut off: messages that wait in queue bindings are handed on, whatever their
    ///    size, handlers are dropped, and bodies and requests fail with `Closed`, at both sides.
    /// 4. What was sent is flushed, and the transport is closed. Every later call returns `Closed`.
    ///
    /// When it returns, nothing is left of the handlers that were cut off: they are dropped, with all
    /// that they hold. Past the limit it takes a few seconds at most, whatever the broker or a handler
    /// does. A message that somebody keeps holds it up until the limit. Of several calls the shortest
    /// limit counts.
    ///
    /// What is handed on takes a later place in the order of its sender's messages.
    ///
    /// Cancel safe: once begun, it goes on by itself.
    pub async fn drain(&self, limit: Duration) -> Drained {
        let shared = self.handle.shared();
        shared.start_drain(limit);
        shared.closed().await;
        shared.drained()
    }

    /// [Drains](Self::drain) the conduit with a short limit, 1 s unless
    /// [configured](Builder::close_timeout), and closes it. Dropping the last handle of it does the
    /// same in the background.
    ///
    /// Cancel safe: once begun, it goes on by itself.
    pub async fn close(&self) {
        self.drain(self.handle.shared().config.close_timeout).await;
    }
}

impl Conduit<()> {
    /// A conduit with limits of its own.
    ///
    /// ```
    /// use conduit::Conduit;
    /// use conduit_json::Json;
    /// use conduit_memory::Memory;
    /// use conduit_smol::Smol;
    ///
    /// let conduit = Conduit::builder("user-service")
    ///     .runtime(Smol)
    ///     .transport(Memory::new())
    ///     .encoder(Json)
    ///     .max_decode_size(10 << 20)
    ///     .build()?;
    /// assert_eq!(conduit.name().as_str(), "user-service");
    /// # Ok::<(), conduit::Error>(())
    /// ```
    pub fn builder<S>(service: S) -> Builder
    where
        S: TryInto<ServiceName>,
        Error: From<S::Error>,
    {
        Builder::new(service.try_into().map_err(Error::from))
    }
}

impl<E> Clone for Conduit<E> {
    fn clone(&self) -> Self {
        Self { handle: self.handle.clone() }
    }
}

impl<E> fmt::Debug for Conduit<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let source = &self.handle.shared().source;
        f.debug_struct("Conduit")
            .field("service", &source.service)
            .field("instance", &source.instance)
            .finish_non_exhaustive()
    }
}
