use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use crate::{
    Delivery, Error, ErrorKind, Headers,
    call::lazy::{Lazy, Started},
    call::outgoing::Payload,
    driver::{Replier, Shared},
    error::Causes,
    handle::Open,
    producer::{Prepared, Producer},
    proto::{
        Asked, Detail, Outbound, Reason, ReasonCode,
        frame::{Head, Receiver, Single, StreamId},
    },
};

/// A reply, which is sent when this is awaited.
///
/// A future: it can be spawned, joined and raced as it is. Once it was polled, its methods change
/// nothing.
///
/// Completes when the transport has accepted the reply or it is in the
/// [send buffer](crate::Builder::send_buffer), or, if it is streamed, when the asker has read
/// all of it. If the future is dropped before that, the asker is told that there will be no reply.
///
/// # Errors
/// `NotARequest`; `AlreadyReplied`; `Encode`, after which another reply can be sent; and those of
/// [`Sending`](crate::Sending).
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
/// let conduit = Conduit::new("clock", Smol, Memory::new(), Json)?;
/// conduit.queue_bind("time").await?.to(|message| async move {
///     message.reply("12:00").header("zone", "utc").await
/// });
///
/// let reply = conduit.own_service().request_body("time", ()).await?;
/// assert_eq!(reply.headers().get("zone"), Some("utc"));
/// assert_eq!(reply.decode::<String>().await?, "12:00");
/// # Ok(())
/// # })
/// # }
/// ```
#[must_use = "nothing is sent until it is awaited"]
pub struct Replying(Lazy<ReplySetup, Result<(), Error>>);

struct ReplySetup {
    handle: Open,
    replier: Option<Arc<Replier>>,
    payload: Result<Payload, Error>,
    headers: Headers,
}

impl Replying {
    pub(crate) fn new(
        handle: Open,
        replier: Option<Arc<Replier>>,
        payload: Result<Payload, Error>,
    ) -> Self {
        Self(Lazy::New(ReplySetup { handle, replier, payload, headers: Headers::new() }))
    }

    /// Adds a header. An invalid header is reported when this is awaited.
    pub fn header(self, key: impl Into<String>, value: impl Into<String>) -> Self {
        Self(self.0.map(|mut setup| {
            if let Err(error) = setup.headers.add(key, value) {
                setup.payload = Err(error.into());
            }
            setup
        }))
    }
}

async fn send(
    shared: &Arc<Shared>,
    replier: &Replier,
    head: &Head,
    producer: Producer,
) -> Result<(), Error> {
    let request = replier.request;
    match producer.prepare(shared.chunk()).await? {
        Prepared::Whole(body) => {
            let reply = Single::Reply(request.message, head.borrowed(), &body);
            let to = shared.destinations.get(&replier.asker.inbox());
            match shared.send_to_inbox_now(&to, &reply) {
                Some(sent) => sent.map_err(Error::from),
                None => shared.publish(&to, &to, || reply.encode(), None, None).await,
            }
        }
        Prepared::Streamed(producer) => {
            let asker = Receiver { instance: replier.asker.instance, port: 0 };
            let message = shared.message_id();
            let limits = shared.config.outbound(None);
            let (now, length) = (shared.now(), producer.length());
            // An asker gets no more than the first window before it reads, as every receiver.
            let credit = request.credit.min(shared.config.first_window);
            let asked = Asked { request: request.message, asker, credit };
            let machine = Outbound::reply(now, message, head.clone(), asked, length, limits);
            let id = StreamId { message, reply: true };
            let service = replier.asker.service.clone();
            let stream = shared.streams.outbound(id, machine, service, None);
            // Boxed: few replies are streamed, but every reply's future would hold its state.
            let outcome = Box::pin(shared.streams.send(&stream, producer)).await?;
            Delivery::of(&outcome).map(|_| ())
        }
    }
}

/// A reply in progress. Dropping it tells the asker that there will be no reply.
struct Unfinished<'a> {
    replier: &'a Replier,
    reason: Option<Reason>,
}

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        let given_up = || Reason::new(ReasonCode::NoReply, "the reply was given up");
        let reason = self.reason.take().unwrap_or_else(given_up);
        self.replier.post_failure(reason, Detail::default());
    }
}

impl ReplySetup {
    #[expect(clippy::manual_async_fn, reason = "a function would keep what it is given twice")]
    fn run(self) -> impl Future<Output = Result<(), Error>> + Send {
        async move {
            let replier = self.replier.ok_or(ErrorKind::NotARequest)?;
            let Payload { producer, content_type } = self.payload?;
            let shared = self.handle.shared();
            shared.check_open()?;
            if !replier.claim() {
                return Err(ErrorKind::AlreadyReplied.into());
            }
            let mut unfinished = Unfinished { replier: &replier, reason: None };
            let head = Head {
                source: shared.source.clone(),
                content_type,
                headers: self.headers,
                sequence: None,
                request: None,
            };
            let result = send(shared, &replier, &head, producer).await;
            match &result {
                Ok(()) => std::mem::forget(unfinished),
                Err(error) => {
                    let code = match error.kind() {
                        ErrorKind::BodyFailed => ReasonCode::BodyFailed,
                        _ => ReasonCode::NoReply,
                    };
                    unfinished.reason = Some(Reason::new(code, Causes(error).to_string()));
                }
            }
            result
        }
    }
}

impl Future for Replying {
    type Output = Result<(), Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.poll(cx, |setup| Started::Running(setup.run()))
    }
}

impl fmt::Debug for Replying {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replying").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::lazy::tests::{MOST, size_of_future};

    #[test]
    fn its_future_is_small() {
        let size = size_of_future(ReplySetup::run);
        assert!(size <= MOST, "{size} bytes");
    }
}
