mod builder;
mod describing;
mod health;
mod shutdown;

use std::{fmt, time::Duration};

pub use self::{
    builder::{Builder, Missing},
    describing::Describing,
    health::ConnectionChanges,
};
use crate::{
    BindTo, Drained, Encoder, Error, InstanceId, Runtime, ServiceName, Stats, Subject,
    binding::Binding,
    call::Client,
    driver,
    handle::Handle,
    layer::{Around, Context},
    proto::BindingKind,
    transport::Transport,
};

/// One instance of a service: sends messages to other services, and binds to subjects to receive
/// them.
///
/// Cloning is cheap, and all clones are handles to the same conduit. It stays open while a clone,
/// or a [`Client`], [`Binding`] or [`Message`](crate::Message) made from it, exists; a running
/// handler alone does not keep it open. If handlers are still bound when the last of these is
/// dropped, that is logged at info level.
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
    around: Around,
}

impl<E: Encoder> Conduit<E> {
    /// Creates a conduit for an instance of a service, with every limit at its default.
    ///
    /// Subscribes to its inbox in the background; operations that need the subscription wait for
    /// it, up to the send timeout.
    ///
    /// # Errors
    /// [`InvalidName`](crate::ErrorKind::InvalidName) if the service name is not valid.
    ///
    /// # Panics
    /// If the runtime panics because it is not running, as `Tokio` does outside of tokio.
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

    pub(crate) fn new_handle(handle: Handle<E>, around: Around) -> Self {
        Self { handle, around }
    }

    /// Returns a client of a service, which may be this conduit's own.
    ///
    /// An invalid name is reported when something is sent.
    pub fn service<S>(&self, name: S) -> Client<E>
    where
        S: TryInto<ServiceName>,
        Error: From<S::Error>,
    {
        let name = name.try_into().map_err(Error::from);
        Client::new(self.handle.clone(), name, None, self.context())
    }

    /// Returns a client of the service that this conduit is an instance of. It sends to all its
    /// instances, this one included.
    #[must_use]
    pub fn own_service(&self) -> Client<E> {
        let name = Ok(self.name().clone());
        Client::new(self.handle.clone(), name, None, self.context())
    }

    fn context(&self) -> Context {
        Context::new(self.around.clone(), None)
    }

    /// Binds to a subject, or to the one of a [`Contract`](crate::Contract), whose binding has its
    /// types. The binding receives every message sent to the subject, as does every
    /// other plain binding of the subject in every instance of this service (broadcast).
    ///
    /// Returns once the connected broker routes to the binding: messages that any client of that
    /// broker sends afterwards arrive. In a cluster, interest propagates to the other brokers a
    /// moment later.
    ///
    /// Cancel safe: if the future is dropped before it completes, nothing is bound.
    ///
    /// # Errors
    /// `InvalidName`; `Disconnected` if the broker does not answer within the send timeout;
    /// `Denied`; `Closed`.
    pub async fn bind<S: BindTo<E>>(&self, subject: S) -> Result<S::Binding, Error> {
        self.bind_as::<S>(subject.subject()?, BindingKind::Broadcast).await
    }

    /// Binds to a subject like [`bind`](Self::bind), for one message only: the binding ends after
    /// that message.
    ///
    /// # Errors
    /// Those of [`bind`](Self::bind).
    pub async fn bind_once<S: BindTo<E>>(&self, subject: S) -> Result<S::Binding, Error> {
        self.bind_as::<S>(subject.subject()?, BindingKind::Once).await
    }

    /// Binds to a subject as a member of its queue group. Each message goes to one of the subject's
    /// queue bindings, across all instances of this service (load balancing), and to every plain
    /// binding as well.
    ///
    /// # Errors
    /// Those of [`bind`](Self::bind).
    pub async fn queue_bind<S: BindTo<E>>(&self, subject: S) -> Result<S::Binding, Error> {
        self.bind_as::<S>(subject.subject()?, BindingKind::Queue).await
    }

    async fn bind_as<S: BindTo<E>>(
        &self,
        subject: Subject,
        kind: BindingKind,
    ) -> Result<S::Binding, Error> {
        let bound = driver::bind(self.handle.shared(), subject, kind).await?;
        bound.record().set_types(S::types());
        Ok(S::with_types(Binding::new(bound, self.handle.clone(), self.around.clone())))
    }

    /// Returns the name of this service.
    #[must_use]
    pub fn name(&self) -> &ServiceName {
        &self.handle.shared().source.service
    }

    /// Returns the id of this instance.
    #[must_use]
    pub fn instance(&self) -> InstanceId {
        self.handle.shared().source.instance
    }

    /// Returns what the conduit holds now, and its counters.
    #[must_use]
    pub fn stats(&self) -> Stats {
        Stats::of(self.handle.shared())
    }

    /// Waits until the broker has received everything that was sent before. The future of a one-way
    /// message or a reply completes when it is in the [send buffer](Builder::send_buffer); this
    /// confirms that it has left this process.
    ///
    /// Cancel safe: it only waits.
    ///
    /// # Errors
    /// `Disconnected` if the broker does not answer within the send timeout, or if messages were
    /// lost meanwhile, which are [counted](Stats::unsent_messages); `Closed`.
    pub async fn flush(&self) -> Result<(), Error> {
        self.handle.shared().flush().await
    }

    /// Finishes the work of this instance without losing messages, then closes the conduit.
    ///
    /// 1. Unsubscribes from every subject. Messages that the broker had already routed here still
    ///    arrive and are handled; later ones are handed on to other members of their group, or
    ///    refused, so that their senders offer them to another member.
    /// 2. Waiting messages, running handlers, open bodies and pending requests continue until they
    ///    finish or the limit passes. Meanwhile every operation except binding works, since a
    ///    handler may need a request of its own to finish.
    /// 3. Aborts what remains: messages that wait in queue bindings are handed on, whatever their
    ///    size, handlers are dropped, and bodies and requests fail with `Closed` on both sides.
    /// 4. Flushes what was sent, and closes the transport. Every later call returns `Closed`.
    ///
    /// When this returns, aborted handlers have been dropped with everything they held. After the
    /// limit it takes a few more seconds at most, whatever the broker or a handler does. A message
    /// that the application keeps delays it until the limit. If it is called several times, the
    /// shortest limit applies.
    ///
    /// Messages that are handed on lose their place in the order of their sender's messages.
    ///
    /// Cancel safe: once started, draining continues even if the future is dropped.
    pub async fn drain(&self, limit: Duration) -> Drained {
        let shared = self.handle.shared();
        shared.start_drain(limit);
        shared.closed().await;
        Drained { bindings: driver::describe_bindings(shared), ..shared.work.drained() }
    }

    /// [Drains](Self::drain) the conduit with a short limit, 1 s unless
    /// [configured](Builder::close_timeout), and closes it. Dropping the last handle does the same
    /// in the background.
    ///
    /// Cancel safe: once started, closing continues even if the future is dropped.
    pub async fn close(&self) {
        self.drain(self.handle.shared().config.close_timeout).await;
    }
}

impl Conduit<()> {
    /// Returns a builder for a conduit with custom limits.
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
        Self { handle: self.handle.clone(), around: self.around.clone() }
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
