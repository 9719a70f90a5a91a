use std::{
    fmt,
    future::{Future, IntoFuture},
    pin::Pin,
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
/// `Lost`, `Dropped`, `NoAnswer`, or `SourceFailed`.
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
        let (ready, body) = outgoing.prepare(None).await?;
        let sent = match body {
            Prepared::Whole(body) if !confirm => publish(&ready, body).await,
            Prepared::Whole(body) => {
                stream(&ready, Body::from(body).into_source(), expect, confirm).await
            }
            Prepared::Streamed(source) => stream(&ready, source, expect, confirm).await,
        };
        sent.map_err(|error| error.about(&ready.service, &ready.subject))
    }
}

async fn publish(ready: &Ready, body: Bytes) -> Result<Delivery, Error> {
    let shared = ready.handle.shared();
    shared.ready().await?;
    let packet = Frame::Message { head: ready.head_to(Targets::Both), body }.encode();
    shared.publish(&ready.address(Targets::Both), packet, None).await?;
    Ok(Delivery::handed_over())
}

async fn stream(
    ready: &Ready,
    source: Source,
    expect: Option<usize>,
    confirm: bool,
) -> Result<Delivery, Error> {
    let shared = ready.handle.shared();
    shared.ready().await?;
    let stream = ready.offer(shared.message_id(), source.length(), Targets::Both, expect);
    let outcome = shared.send_body(&stream, source).await?;
    if confirm { Delivery::confirmed(outcome) } else { Delivery::of(outcome) }
}

impl IntoFuture for Sending {
    type Output = Result<Delivery, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

impl fmt::Debug for Sending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sending").finish_non_exhaustive()
    }
}
