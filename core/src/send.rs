use std::{
    fmt,
    future::{Future, IntoFuture},
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;

use crate::{
    Body, Delivery, Error,
    body::{Prepared, Source},
    outgoing::{Outgoing, Ready},
    proto::frame::Frame,
    transport::Targets,
};

/// A message that is sent one way when this is awaited.
///
/// A body that fits one chunk and is there at once goes out in one packet. Then the result says
/// that the transport took it: nobody listening is no error, since nobody can know. A binding that
/// is full drops it and counts that.
///
/// Any other body is streamed, as fast as the slowest receiver reads it, and the result is there
/// when every receiver has read it or failed. To bindings of [`bind`](crate::Conduit::bind), the
/// sender first waits for the join window (250 ms) to learn how many there are, unless
/// [`expect`](Self::expect) says how many.
///
/// Not cancel safe: dropped before it is done, a message may have been sent, and a streamed body
/// is reset at its receivers.
///
/// # Errors
/// `InvalidName`, `InvalidHeader`, `Encode`, `TooLarge`, `Disconnected` after the send timeout,
/// `Denied`, `Closed`, and for a streamed body what made the only receivers fail: `Overloaded`,
/// `Draining`, `Lost`, `Dropped`, `NoAnswer`, or `SourceFailed`. With `Overloaded` and `Draining` no
/// handler has started.
///
/// # Example
/// ```
/// use conduit::Conduit;
/// use conduit_json::Json;
/// use conduit_memory::Memory;
/// use conduit_smol::Smol;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # smol::block_on(async {
/// let conduit = Conduit::new("log-service", Smol, Memory::new(), Json)?;
/// let mut lines = conduit.bind("line").await?;
///
/// let sending = conduit.own_service().send("line", "started").header("level", "info");
/// sending.await?; // nothing is sent before
///
/// let line = lines.next().await.expect("it is bound");
/// assert_eq!(line.headers().get("level"), Some("info"));
/// assert_eq!(line.decode::<String>().await?, "started");
/// # Ok(())
/// # })
/// # }
/// ```
#[must_use = "nothing is sent until it is awaited"]
pub struct Sending {
    outgoing: Outgoing,
    expect: Option<usize>,
    confirm: bool,
}

impl Sending {
    pub(crate) fn new(outgoing: Outgoing) -> Self {
        Self { outgoing, expect: None, confirm: false }
    }

    /// Adds a header. One that is not valid is reported when this is awaited.
    pub fn header(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.outgoing.header(key.into(), value.into());
        self
    }

    /// How many bindings of [`bind`](crate::Conduit::bind) are expected to take a streamed body: as
    /// soon as that many have, it does not wait for more.
    pub fn expect(mut self, receivers: usize) -> Self {
        self.expect = Some(receivers);
        self
    }

    /// Waits, whatever the size, until somebody has the whole body: it is streamed even if it fits
    /// one packet. Where nobody is bound, that is `NoReceivers`.
    ///
    /// It says that the body was read, not what was made of it; for that, make a request.
    pub fn confirm(mut self) -> Self {
        self.confirm = true;
        self
    }

    async fn run(self) -> Result<Delivery, Error> {
        let Self { outgoing, expect, confirm } = self;
        let (mut ready, body) = outgoing.check(None)?;
        let sent = match ready.prepare(body).await? {
            Prepared::Whole(body) if !confirm => publish(&mut ready, body).await,
            Prepared::Whole(body) => {
                stream(&mut ready, Body::from(body).into_source(), expect, confirm).await
            }
            Prepared::Streamed(source) => stream(&mut ready, source, expect, confirm).await,
        };
        sent.map_err(|error| ready.to.about(error))
    }
}

async fn publish(ready: &mut Ready, body: Bytes) -> Result<Delivery, Error> {
    ready.handle.shared().ready(None).await?;
    ready.number(Targets::Both);
    let shared = ready.handle.shared();
    let packet = || Frame::message(ready.head.borrowed(), &body);
    shared.publish(&ready.to.with(shared, Targets::Both), packet, None, None).await?;
    Ok(Delivery::handed_over())
}

async fn stream(
    ready: &mut Ready,
    source: Source,
    expect: Option<usize>,
    confirm: bool,
) -> Result<Delivery, Error> {
    ready.handle.shared().ready(None).await?;
    let message = ready.handle.shared().message_id();
    let stream = ready.offer(message, source.length(), Targets::Both, expect);
    let outcome = ready.handle.shared().send_body(&stream, source).await?;
    if confirm { Delivery::confirmed(&outcome) } else { Delivery::of(&outcome) }
}

impl IntoFuture for Sending {
    type Output = Result<Delivery, Error>;
    type IntoFuture = SendFuture;

    fn into_future(self) -> SendFuture {
        SendFuture(State::New(self))
    }
}

/// A [`Sending`] that is awaited.
///
/// ```
/// use conduit::Conduit;
/// use conduit_json::Json;
/// use conduit_memory::Memory;
/// use conduit_smol::Smol;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # smol::block_on(async {
/// let conduit = Conduit::new("log-service", Smol, Memory::new(), Json)?;
/// let mut lines = conduit.bind("line").await?;
///
/// let sent = smol::spawn(conduit.own_service().send("line", "started").into_future());
/// let line = lines.next().await.expect("it is bound");
/// assert_eq!(line.decode::<String>().await?, "started");
/// sent.await?;
/// # Ok(())
/// # })
/// # }
/// ```
#[must_use = "nothing is sent until it is awaited"]
pub struct SendFuture(State);

// Most are never moved out of the first state, and a box would cost more than its size.
#[allow(clippy::large_enum_variant)]
enum State {
    New(Sending),
    Running(Pin<Box<dyn Future<Output = Result<Delivery, Error>> + Send>>),
    Done,
}

/// Most messages are small and gone at the first poll, which allocates nothing but their packet.
impl Future for SendFuture {
    type Output = Result<Delivery, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let State::New(sending) = &mut self.0 {
            let now = if sending.confirm { None } else { sending.outgoing.send_now() };
            if let Some(sent) = now {
                self.0 = State::Done;
                return Poll::Ready(sent.map(|()| Delivery::handed_over()));
            }
            if let State::New(sending) = std::mem::replace(&mut self.0, State::Done) {
                self.0 = State::Running(Box::pin(sending.run()));
            }
        }
        let State::Running(running) = &mut self.0 else {
            panic!("a future is not polled after its end");
        };
        running.as_mut().poll(cx)
    }
}

impl fmt::Debug for SendFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendFuture").finish_non_exhaustive()
    }
}

impl fmt::Debug for Sending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sending").finish_non_exhaustive()
    }
}
