use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Instant,
};

use bytes::Bytes;

use crate::{
    Body, Delivery, Error,
    call::lazy::Lazy,
    call::outgoing::{Outgoing, Ready, in_time, send_call_now},
    layer::{Begun, CallKind, Done, Options, OutboundCall, Outcome},
    producer::{Prepared, Producer},
    proto::frame::Frame,
    transport::Targets,
};

/// A one-way message, which is sent when this is awaited.
///
/// A future: it can be spawned, joined and raced as it is. Once it was polled, its methods change
/// nothing.
///
/// A body that fits one chunk and is available at once is sent in one packet. `Ok` then means that
/// the transport accepted the packet, or, while the connection is busy, that the message is in the
/// [send buffer](crate::Builder::send_buffer); [`flush`](crate::Conduit::flush) confirms that it has
/// left. A missing receiver is not an error, since it cannot be detected. A full binding drops the
/// message and counts it.
///
/// Any other body is streamed, as fast as the slowest receiver reads it, and the future completes
/// when every receiver has read it or failed. For plain bindings ([`bind`](crate::Conduit::bind)),
/// the sender first waits for the join window (250 ms) to learn how many there are, unless
/// [`expect`](Self::expect) gives their number.
///
/// Not cancel safe: if the future is dropped before it completes, a message may have been sent, and
/// a streamed body is reset at its receivers.
///
/// # Errors
/// `InvalidName`, `InvalidHeader`, `Encode`, `TooLarge`, `Disconnected` after the send timeout,
/// `Denied`, `Closed`. For a streamed body also the reason why all its receivers failed:
/// `Overloaded`, `Draining`, `Lost`, `Dropped`, `NoAnswer`, or `BodyFailed`. With `Overloaded`
/// and `Draining` no handler has started.
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
pub struct Sending(Lazy<SendSetup, Result<Delivery, Error>>);

struct SendSetup {
    outgoing: Outgoing,
    /// The number of the message, once it was about to be sent.
    number: Option<u64>,
    expect: Option<usize>,
    confirm: bool,
}

impl Sending {
    #[inline]
    pub(crate) fn new(outgoing: Outgoing) -> Self {
        Self(Lazy::New(SendSetup { outgoing, number: None, expect: None, confirm: false }))
    }

    /// Adds a header. An invalid header is reported when this is awaited.
    pub fn header(self, key: impl AsRef<str>, value: impl AsRef<str>) -> Self {
        Self(self.0.map(|mut setup| {
            setup.outgoing.header(key.as_ref(), value.as_ref());
            setup
        }))
    }

    /// Sets how many plain bindings ([`bind`](crate::Conduit::bind)) are expected to take a
    /// streamed body: as soon as that many have joined, it does not wait for more.
    pub fn expect(self, receivers: usize) -> Self {
        Self(self.0.map(|setup| SendSetup { expect: Some(receivers), ..setup }))
    }

    /// Waits until a receiver has acknowledged the whole body: it is streamed even if it fits one
    /// packet. Fails with `NoReceivers` if there is no receiver.
    ///
    /// This confirms that the body was read, not that it was processed; for that, send a request.
    pub fn confirm(self) -> Self {
        Self(self.0.map(|setup| SendSetup { confirm: true, ..setup }))
    }
}

type Sent = Result<Delivery, Error>;

impl SendSetup {
    /// Sends the message if it passes no layers, fits one packet and need not wait, as most do. That
    /// allocates nothing but the packet.
    #[inline]
    fn send_now(&mut self) -> Option<Sent> {
        if self.confirm || self.outgoing.is_layered() {
            return None;
        }
        Some(self.outgoing.send_now(&mut self.number)?.map(|()| Delivery::handed_over()))
    }

    fn start(self) -> Lazy<Self, Sent> {
        if self.outgoing.is_layered() {
            return self.pass_layers();
        }
        match self.begin(None) {
            Ok(sending) => Lazy::Running(Box::pin(sending)),
            Err(error) => Lazy::failed(error),
        }
    }

    /// Checks the message, and returns what is left to do.
    fn begin(self, deadline: Option<Instant>) -> Result<impl Future<Output = Sent> + use<>, Error> {
        let Self { outgoing, number, expect, confirm } = self;
        let (mut ready, body) = outgoing.check(None)?;
        ready.head.sequence = number;
        Ok(send(ready, body, expect, confirm, deadline))
    }

    #[inline(never)]
    fn pass_layers(self) -> Lazy<Self, Sent> {
        let Self { outgoing, expect, confirm, .. } = self;
        let options = Options { expect, confirm, ..Options::default() };
        let passing =
            outgoing.pass_layers(CallKind::OneWay, passed, |call| call.0.options = options);
        match passing {
            Ok(passing) => Lazy::Layered(passing, finished),
            Err(error) => Lazy::failed(error),
        }
    }
}

/// Sends what has passed the layers.
fn passed(call: OutboundCall) -> Begun {
    let (Options { expect, confirm, .. }, deadline) = (call.0.options, call.0.deadline);
    let outcome = |sent: Sent| Outcome::from(sent.map(Done::Sent));
    let mut number = None;
    if !confirm && let Some(sent) = send_call_now(&call, &mut number) {
        return Begun::Done(outcome(sent.map(|()| Delivery::handed_over())));
    }
    let setup = SendSetup { outgoing: Outgoing::of_call(call), number, expect, confirm };
    match setup.begin(deadline) {
        Ok(sending) => Begun::Running(Box::pin(async move { outcome(sending.await) })),
        Err(error) => Begun::Done(outcome(Err(error))),
    }
}

fn finished(outcome: Outcome) -> Sent {
    match outcome.finish()? {
        (Done::Sent(delivery), _) => Ok(delivery),
        _ => Err(Outcome::of_another_call()),
    }
}

async fn send(
    mut ready: Ready,
    body: Body,
    expect: Option<usize>,
    confirm: bool,
    deadline: Option<Instant>,
) -> Sent {
    let sent = match ready.prepare(body).await? {
        Prepared::Whole(body) if !confirm => publish(&mut ready, body, deadline).await,
        Prepared::Whole(body) => {
            stream(&mut ready, Producer::bytes(body), expect, confirm, deadline).await
        }
        Prepared::Streamed(producer) => {
            stream(&mut ready, producer, expect, confirm, deadline).await
        }
    };
    sent.map_err(|error| ready.to.about(error))
}

async fn publish(ready: &mut Ready, body: Bytes, deadline: Option<Instant>) -> Sent {
    ready.handle.shared().ready(deadline).await?;
    ready.number(Targets::Both);
    let packet = || Frame::message(ready.head.borrowed(), &body);
    let to = ready.to.both();
    ready.handle.shared().publish(to, to, packet, None, deadline).await?;
    Ok(Delivery::handed_over())
}

async fn stream(
    ready: &mut Ready,
    producer: Producer,
    expect: Option<usize>,
    confirm: bool,
    deadline: Option<Instant>,
) -> Sent {
    let shared = Arc::clone(ready.handle.shared());
    shared.ready(deadline).await?;
    let message = shared.message_id();
    shared.settle(ready.to.both(), deadline).await?;
    let stream = ready.offer(message, producer.length(), Targets::Both, expect);
    let sending = shared.streams.send(&stream, producer);
    let outcome = in_time(&shared, &stream, deadline, sending).await?;
    if confirm { Delivery::confirmed(&outcome) } else { Delivery::of(&outcome) }
}

impl Future for Sending {
    type Output = Result<Delivery, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.0.end_now(SendSetup::send_now) {
            Some(sent) => Poll::Ready(sent),
            None => self.0.poll(cx, SendSetup::start),
        }
    }
}

impl fmt::Debug for Sending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sending").finish_non_exhaustive()
    }
}
