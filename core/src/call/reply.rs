use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{self, Poll},
    time::Instant,
};

use crate::{
    Body, Delivery, Error, ErrorKind, Headers,
    call::lazy::Lazy,
    call::outgoing::{Payload, in_time},
    driver::{Replier, Shared},
    error::Causes,
    handle::Open,
    layer::{self, Begun, Boxed, Call, CallKind, Context, Done, OutboundCall, Outcome, To},
    producer::Prepared,
    proto::{
        Asked, Detail, Outbound, Reason, ReasonCode,
        frame::{ContentType, Head, Receiver, Single, StreamId},
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
    context: Context,
}

impl Replying {
    pub(crate) fn new(
        handle: Open,
        replier: Option<Arc<Replier>>,
        payload: Result<Payload, Error>,
        context: Context,
    ) -> Self {
        let headers = Headers::new();
        Self(Lazy::New(ReplySetup { handle, replier, payload, headers, context }))
    }

    /// Adds a header. An invalid header is reported when this is awaited.
    pub fn header(self, key: impl AsRef<str>, value: impl AsRef<str>) -> Self {
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
    body: Body,
    deadline: Option<Instant>,
) -> Result<(), Error> {
    let request = replier.request;
    match body.prepare(shared.chunk()).await? {
        Prepared::Whole(body) => {
            let reply = Single::Reply(request.message, head.borrowed(), &body);
            let to = shared.destinations.get(&replier.asker.inbox());
            match shared.send_to_inbox_now(&to, &reply) {
                Some(sent) => sent.map_err(Error::from),
                // Boxed: few replies wait, but every reply's future would hold its state.
                None => Box::pin(shared.publish(&to, &to, || reply.encode(), None, deadline)).await,
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
            // Boxed, as above.
            let sending = shared.streams.send(&stream, producer);
            let outcome = Box::pin(in_time(shared, &stream, deadline, sending)).await?;
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
            let Payload { body, content_type } = self.payload?;
            let shared = self.handle.shared();
            shared.check_open()?;
            if !replier.claim() {
                return Err(ErrorKind::AlreadyReplied.into());
            }
            let mut unfinished = Unfinished { replier: &replier, reason: None };
            let head = head(shared, content_type, self.headers);
            let result = if !self.context.is_layered() {
                send(shared, &replier, &head, body, None).await
            } else {
                pass_layers(self.handle.clone(), &replier, self.context, head, body).await
            };
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

fn head(shared: &Shared, content_type: Option<ContentType>, headers: Headers) -> Head {
    Head { source: shared.source.clone(), content_type, headers, sequence: None, request: None }
}

/// Replies through the layers: those of the binding, and those of the conduit.
fn pass_layers(
    handle: Open,
    replier: &Arc<Replier>,
    context: Context,
    head: Head,
    body: Body,
) -> Boxed<'static, Result<(), Error>> {
    let subject = context.cause().map(|cause| cause.subject().clone());
    let Some(subject) = subject else {
        // Only a message has a reply, and names itself as its cause.
        return Box::pin(async { Err(ErrorKind::NotARequest.into()) });
    };
    let to = To::Asker(Arc::clone(replier), subject);
    let Head { headers, content_type, .. } = head;
    let call = OutboundCall::new(CallKind::Reply, handle, to, headers, content_type, body, context);
    let passing = layer::outbound(passed, call);
    Box::pin(async move {
        match passing.await.finish()? {
            (Done::Replied, _) => Ok(()),
            _ => Err(Outcome::of_another_call()),
        }
    })
}

/// Replies when the layers are passed.
fn passed(call: OutboundCall) -> Begun {
    let Call { handle, to, headers, content_type, body, deadline, .. } = *call.0;
    Begun::Running(Box::pin(async move {
        let To::Asker(replier, _) = to else {
            return Outcome::from(Outcome::of_another_call());
        };
        let shared = handle.shared();
        let head = head(shared, content_type, headers);
        let sent = send(shared, &replier, &head, body, deadline).await;
        Outcome::from(sent.map(|()| Done::Replied))
    }))
}

impl Future for Replying {
    type Output = Result<(), Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Self::Output> {
        self.0.poll(cx, |setup| Lazy::Running(Box::pin(setup.run())))
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
