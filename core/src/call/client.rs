use std::{
    fmt,
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use crate::{
    Body, Encode, Encoder, Error, ServiceName, Subject,
    call::outgoing::{Outgoing, Payload},
    call::request::{Replies, RequestSetup, Requesting},
    call::send::Sending,
    driver::Endpoint,
    handle::Handle,
    layer::{Context, Layer},
};

/// A client of a service: sends messages and requests to it.
///
/// Its methods encode a value or take ownership of a body at once, so that the returned futures
/// borrow nothing, and can be stored, spawned and awaited anywhere. Nothing is sent before they are
/// awaited.
///
/// ```
/// use std::time::Duration;
///
/// use conduit::{Conduit, Error};
/// use conduit_json::Json;
/// use conduit_memory::Memory;
/// use conduit_smol::Smol;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # smol::block_on(async {
/// let broker = Memory::new();
/// let shop = Conduit::new("shop", Smol, broker.clone(), Json)?;
/// shop.queue_bind("price").await?.serve(async |item: String| Ok::<_, Error>(item.len() as u64));
/// let mut orders = shop.bind("order").await?;
///
/// let client = Conduit::new("client", Smol, broker, Json)?;
/// let service = client.service("shop").timeout(Duration::from_secs(5));
/// service.send("order", "tea").await?;
/// let price = service.request("price", "tea").await?;
///
/// assert_eq!(price.decode::<u64>().await?, 3);
/// let order = orders.next().await.expect("it is bound");
/// assert_eq!(order.decode::<String>().await?, "tea");
/// # Ok(())
/// # })
/// # }
/// ```
pub struct Client<E> {
    handle: Handle<E>,
    name: Result<ServiceName, Arc<Error>>,
    timeout: Option<Duration>,
    /// The deadline of the request that is being handled.
    inherited: Option<Instant>,
    context: Context,
    /// The destination of the first subject that this was used for. Most clients are used for one.
    first: OnceLock<Arc<Endpoint>>,
}

impl<E: Encoder> Client<E> {
    pub(crate) fn new(
        handle: Handle<E>,
        name: Result<ServiceName, Error>,
        inherited: Option<Instant>,
        context: Context,
    ) -> Self {
        let timeout = Some(handle.shared().config.request_timeout);
        let first = OnceLock::new();
        Self { handle, name: name.map_err(Arc::new), timeout, inherited, context, first }
    }

    /// Sets the timeout of requests made with this client; each request can override it.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Removes the timeout of requests made with this client: the caller ends them.
    #[must_use]
    pub fn no_timeout(mut self) -> Self {
        self.timeout = None;
        self
    }

    /// Adds a [layer](crate::layer) around what is sent with this client and with its later clones,
    /// within those of the conduit, and within those that were added before.
    #[must_use]
    pub fn layer(mut self, layer: impl Layer) -> Self {
        self.context.push(layer);
        self
    }

    /// Sends a value, one way, to a subject or to that of an [event](crate::Contract::event).
    /// [`Sending`] describes the result.
    pub fn send<S, T>(&self, subject: S, value: &T) -> Sending
    where
        S: SendTo<T>,
        T: ?Sized,
        E: Encode<T>,
    {
        let to = self.to(subject.subject());
        let outgoing = self.outgoing_to(to, Payload::encode(self.handle.encoder(), value));
        Sending::new(outgoing.by_contract(S::IS_CONTRACT))
    }

    /// Sends a body one way, without encoding it.
    pub fn send_body<S>(&self, subject: S, body: impl Into<Body>) -> Sending
    where
        S: TryInto<Subject>,
        Error: From<S::Error>,
    {
        Sending::new(self.outgoing(subject, Ok(Payload::raw(body.into()))))
    }

    /// Sends a value and waits for the reply. See [`Requesting`].
    pub fn request<S, T>(&self, subject: S, value: &T) -> Requesting<E>
    where
        S: TryInto<Subject>,
        Error: From<S::Error>,
        T: ?Sized,
        E: Encode<T>,
    {
        self.ask(self.outgoing(subject, Payload::encode(self.handle.encoder(), value)))
    }

    /// Sends a value to the subject of a contract, and waits for the reply.
    pub(crate) fn request_by_contract<T>(&self, subject: &str, value: &T) -> Requesting<E>
    where
        E: Encode<T>,
    {
        let outgoing = self.outgoing(subject, Payload::encode(self.handle.encoder(), value));
        self.ask(outgoing.by_contract(true))
    }

    /// Sends a body without encoding it, and waits for the reply.
    pub fn request_body<S>(&self, subject: S, body: impl Into<Body>) -> Requesting<E>
    where
        S: TryInto<Subject>,
        Error: From<S::Error>,
    {
        self.ask(self.outgoing(subject, Ok(Payload::raw(body.into()))))
    }

    /// Sends a value to every plain binding of the subject, and yields all replies. See
    /// [`Replies`].
    pub fn request_all<S, T>(&self, subject: S, value: &T) -> Replies<E>
    where
        S: TryInto<Subject>,
        Error: From<S::Error>,
        T: ?Sized,
        E: Encode<T>,
    {
        self.ask_all(self.outgoing(subject, Payload::encode(self.handle.encoder(), value)))
    }

    /// Sends a body without encoding it to every plain binding of the subject, and yields all
    /// replies.
    pub fn request_all_body<S>(&self, subject: S, body: impl Into<Body>) -> Replies<E>
    where
        S: TryInto<Subject>,
        Error: From<S::Error>,
    {
        self.ask_all(self.outgoing(subject, Ok(Payload::raw(body.into()))))
    }

    fn ask_all(&self, outgoing: Outgoing) -> Replies<E> {
        Replies::new(self.setup(outgoing))
    }

    fn ask(&self, outgoing: Outgoing) -> Requesting<E> {
        Requesting::new(self.setup(outgoing))
    }

    fn setup(&self, outgoing: Outgoing) -> RequestSetup<E> {
        let (handle, timeout, inherited) = (self.handle.clone(), self.timeout, self.inherited);
        RequestSetup { outgoing, handle, timeout, inherited }
    }

    fn outgoing<S>(&self, subject: S, payload: Result<Payload, Error>) -> Outgoing
    where
        S: TryInto<Subject>,
        Error: From<S::Error>,
    {
        self.outgoing_to(self.to(subject.try_into().map_err(Error::from)), payload)
    }

    #[inline(always)]
    fn outgoing_to(
        &self,
        to: Result<Arc<Endpoint>, Error>,
        payload: Result<Payload, Error>,
    ) -> Outgoing {
        Outgoing::new(self.handle.open(), to, payload, self.context.clone())
    }

    #[inline]
    fn to(&self, subject: Result<Subject, Error>) -> Result<Arc<Endpoint>, Error> {
        let name = self.name.as_ref().map_err(|error| Error::copy_of(error))?;
        let subject = subject?;
        let first = self.first.get();
        if let Some(to) = first.filter(|to| *to.subject() == subject) {
            return Ok(Arc::clone(to));
        }
        let to = self.handle.shared().destinations.endpoint(name.clone(), subject);
        if first.is_none() {
            // Another thread may have set it first.
            let _ = self.first.set(Arc::clone(&to));
        }
        Ok(to)
    }
}

impl<E> Clone for Client<E> {
    fn clone(&self) -> Self {
        Self {
            handle: self.handle.clone(),
            name: self.name.clone(),
            timeout: self.timeout,
            inherited: self.inherited,
            context: self.context.clone(),
            first: self.first.clone(),
        }
    }
}

impl<E> fmt::Debug for Client<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("name", &self.name).finish_non_exhaustive()
    }
}

/// What a value of the type `T` can be [sent](Client::send) to: a subject, as text or as a
/// [`Subject`], or the [`Contract`](crate::Contract) of an event with such values. It is implemented
/// for all that converts into a [`Subject`].
pub trait SendTo<T: ?Sized> {
    /// Whether it is a contract, which [layers are told](crate::layer::OutboundCall::is_by_contract).
    const IS_CONTRACT: bool = false;

    /// Returns the subject.
    ///
    /// # Errors
    /// `InvalidName`.
    fn subject(self) -> Result<Subject, Error>;
}

impl<S, T> SendTo<T> for S
where
    S: TryInto<Subject>,
    Error: From<S::Error>,
    T: ?Sized,
{
    fn subject(self) -> Result<Subject, Error> {
        Ok(self.try_into()?)
    }
}
