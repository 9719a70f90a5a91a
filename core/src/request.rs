use std::{
    fmt,
    future::{Future, IntoFuture, poll_fn},
    pin::Pin,
    sync::Arc,
    time::{Duration, Instant},
};

use futures_lite::future;

use crate::{
    Encoder, Error, ErrorKind, Executed, Message, MessageId, ServiceName,
    body::{Prepared, Source},
    conduit::Handle,
    delivery,
    driver::{Answer, OutboundStream, Pending, Shared},
    outgoing::{Outgoing, Ready},
    proto::{
        ReasonCode,
        frame::{Frame, Request},
    },
    transport::{Address, Targets, Token},
};

/// A request that is made when this is awaited; it yields the reply.
///
/// Where the subject has queue bindings, one of them answers, else every `bind` may; the first
/// reply wins. The reply may come before the body of the request has been sent; the rest is then
/// sent in the background, as far as somebody reads it.
///
/// The timeout covers everything, to the last byte of the reply. Dropped before it is done, the
/// request is cancelled at the other side too.
///
/// # Errors
/// Each says by [`Error::executed`] whether the handler was executed. `NoReceivers` at once where
/// nobody is bound and the broker can tell, `NoAnswer`, `Overloaded` and `Draining` after it was
/// offered again and again, `HandlerFailed`, `HandlerPanicked`, `NotDecoded`, `NoReply`, `Lost`,
/// `Deadline`, and those of [`Sending`](crate::Sending).
#[must_use = "nothing is sent until it is awaited"]
pub struct Requesting<E> {
    outgoing: Outgoing,
    encoder: Arc<E>,
    timeout: Option<Duration>,
    inherited: Option<Instant>,
}

impl<E: Encoder> Requesting<E> {
    pub(crate) fn new(
        outgoing: Outgoing,
        encoder: Arc<E>,
        timeout: Option<Duration>,
        inherited: Option<Instant>,
    ) -> Self {
        Self { outgoing, encoder, timeout, inherited }
    }

    /// How long the request may take, to the last byte of the reply.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Sets no limit: the caller bounds it, by dropping this.
    pub fn no_timeout(mut self) -> Self {
        self.timeout = None;
        self
    }

    /// Adds a header. One that is not valid is reported when this is awaited.
    pub fn header(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.outgoing.header(key.into(), value.into());
        self
    }

    async fn run(self) -> Result<Message<E>, Error> {
        let handle = self.outgoing.handle.clone();
        let shared = handle.shared();
        let now = shared.now();
        let own = self.timeout.and_then(|timeout| now.checked_add(timeout));
        let deadline = own.into_iter().chain(self.inherited).min();
        let answer = match deadline {
            None => ask(self.outgoing, None).await?,
            Some(at) => {
                let late = async {
                    shared.sleep_until(at).await;
                    Err(Error::from(ErrorKind::Deadline).with_executed(Executed::Maybe))
                };
                future::or(ask(self.outgoing, Some(at)), late).await?
            }
        };
        let (subject, mut answer) = answer;
        answer.content.limit_time(deadline);
        Ok(Message::reply_to(handle, self.encoder, subject, answer, deadline))
    }
}

async fn ask(
    outgoing: Outgoing,
    deadline: Option<Instant>,
) -> Result<(crate::Subject, Answer), Error> {
    let handle = outgoing.handle.clone();
    let shared = handle.shared();
    let message = shared.message_id();
    let credit = shared.config.first_window;
    let time_left = deadline.map(|at| at.saturating_duration_since(shared.now()));
    let request = Request { message, time_left, credit };
    let (ready, body) = outgoing.prepare(Some(request)).await?;
    shared.ready().await?;
    let group = ready.address(Targets::Group);
    let pending = shared.expect_answer(message, group);
    let mut asking = Asking {
        handle: handle.clone(),
        message,
        service: ready.service.clone(),
        upload: None,
        pending: Arc::clone(&pending),
        answered: false,
    };
    // Closing ends what it finds; what came later has to find that out.
    shared.check_open()?;
    let answer = match body {
        Prepared::Whole(body) => {
            let packet = Frame::Message { head: ready.head.clone(), body }.encode();
            ask_whole(shared, &ready, message, packet, &pending).await?
        }
        Prepared::Streamed(source) => {
            asking.upload = Some(upload(shared, &ready, message, source, &pending));
            wait(&pending).await?
        }
    };
    asking.answered = true;
    Ok((ready.subject, answer))
}

async fn wait(pending: &Pending) -> Result<Answer, Error> {
    poll_fn(|cx| pending.poll_answer(cx)).await
}

/// Asks everybody once; a group that refuses is asked again until the caller gives up, since a
/// refusal comes before the handler.
async fn ask_whole(
    shared: &Shared,
    ready: &Ready,
    message: MessageId,
    packet: bytes::Bytes,
    pending: &Pending,
) -> Result<Answer, Error> {
    const FIRST: Duration = Duration::from_millis(10);
    const LAST: Duration = Duration::from_millis(640);
    let mut targets = Targets::Both;
    let mut pause = FIRST;
    let give_up = shared.now() + shared.config.send_timeout;
    let mut refusal = None;
    loop {
        let token = Token { message, targets };
        shared.publish(&ready.address(targets), packet.clone(), Some(token)).await?;
        match (wait(pending).await, refusal.take()) {
            (Err(error), refusal) if error.kind() == ErrorKind::NoReceivers => {
                return Err(refusal.unwrap_or(error));
            }
            (Err(error), _) if is_refusal(&error) && shared.now() < give_up => {
                pending.reopen();
                shared.sleep_until(shared.now() + pause).await;
                pause = LAST.min(pause * 2);
                targets = Targets::Group;
                refusal = Some(error);
            }
            (answer, _) => return answer,
        }
    }
}

fn is_refusal(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Overloaded | ErrorKind::Draining)
        && error.executed() == Executed::No
}

/// Sends the body of a request in the background: the reply may come first.
fn upload(
    shared: &Arc<Shared>,
    ready: &Ready,
    message: MessageId,
    source: Source,
    pending: &Arc<Pending>,
) -> Arc<OutboundStream> {
    let stream = ready.offer(message, source.length(), None);
    let task = {
        let (shared, stream, pending) =
            (Arc::clone(shared), Arc::clone(&stream), Arc::clone(pending));
        async move {
            let error = match shared.send_body(&stream, source).await {
                Ok(outcome) => delivery::request_error(&outcome),
                Err(error) => Some(error),
            };
            if let Some(error) = error {
                pending.resolve(Err(error));
            }
        }
    };
    shared.tasks.spawn(task);
    stream
}

/// A request that is going on. Dropped unanswered, it is cancelled wherever it runs.
struct Asking {
    handle: Handle,
    message: MessageId,
    service: ServiceName,
    upload: Option<Arc<OutboundStream>>,
    pending: Arc<Pending>,
    answered: bool,
}

impl Drop for Asking {
    fn drop(&mut self) {
        let shared = self.handle.shared();
        shared.forget_request(self.message);
        if self.answered {
            return;
        }
        // Giving the body up resolves the request, in another thread perhaps: ask before.
        let resolved = self.pending.is_resolved();
        if let Some(upload) = &self.upload {
            upload.abort(ReasonCode::Cancelled.into());
        }
        if !resolved {
            let control = Address::Control { service: self.service.clone() };
            shared.post(control, &Frame::Cancel { message: self.message });
        }
    }
}

impl<E: Encoder> IntoFuture for Requesting<E> {
    type Output = Result<Message<E>, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

impl<E> fmt::Debug for Requesting<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Requesting").field("timeout", &self.timeout).finish_non_exhaustive()
    }
}
