//! Requests that take all answers.

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use futures_core::Stream;
use futures_lite::stream;

use super::{
    RequestSetup,
    asking::{Asking, Takes, check, prepare},
};
use crate::{
    Encoder, Error, Message,
    call::outgoing::Outgoing,
    driver::{Answer, Room},
    handle::Handle,
    layer::{Around, Begun, CallKind, Done, Options, OutboundCall, Outcome, Progress},
    proto::AskerLimits,
};

/// The replies of all plain bindings of a subject to one request, as a stream.
///
/// Every [`bind`](crate::Conduit::bind) of the subject, in every instance of the service, receives
/// the request; queue bindings do not. The request is sent when the stream is first polled; call
/// the methods of this before. The stream ends
/// - after the number of answers set by [`expect`](Self::expect), if any;
/// - when no receiver was heard from for the time set by [`silence`](Self::silence): neither an
///   answer, nor a sign of life of a handler that runs for long;
/// - at the deadline.
///
/// At its end, and when it is dropped, handlers that are still running are cancelled, unless the
/// expected number of answers has arrived. Each reply names the [instance](Message::source) that
/// sent it. A handler that fails yields an error that names its [instance](Error::instance), and
/// does not affect other answers.
///
/// # Errors
/// Those of a [request](crate::Requesting), and `Overloaded` for an answer that this conduit has no
/// room for: for a streamed reply, or because too many
/// [messages](crate::Builder::max_waiting_messages) or
/// [bytes](crate::Builder::max_waiting_bytes_per_binding) wait to be taken. Each names the instance
/// that sent the answer. If there is no room for the errors either, one error reports how many
/// answers were dropped, and counts as that many of the [expected](Self::expect) ones.
///
/// An error that names no instance concerns the whole request, and is the last item: `NoReceivers`
/// if nothing is bound and the broker reports that, `InvalidName`, `InvalidHeader`, `Encode`,
/// `Disconnected`, `Denied`, `Closed`, `BodyFailed`.
///
/// # Example
/// ```
/// use conduit::Conduit;
/// use conduit_json::Json;
/// use conduit_memory::Memory;
/// use conduit_smol::Smol;
/// use futures_lite::StreamExt;
///
/// # fn main() -> Result<(), conduit::Error> {
/// # smol::block_on(async {
/// let broker = Memory::new();
/// let mut caches = Vec::new();
/// for entries in [3, 4] {
///     let cache = Conduit::new("cache", Smol, broker.clone(), Json)?;
///     cache.bind("size").await?.serve(move |()| async move { Ok::<u32, conduit::Error>(entries) });
///     caches.push(cache);
/// }
/// let client = Conduit::new("client", Smol, broker, Json)?;
/// let mut replies = client.service("cache").request_all("size", &()).expect(2);
/// let mut entries = 0;
/// while let Some(reply) = replies.next().await {
///     entries += reply?.decode::<u32>().await?;
/// }
/// assert_eq!(entries, 7);
/// # Ok(())
/// # })
/// # }
/// ```
#[must_use = "nothing is sent until it is polled"]
pub struct Replies<E>(RepliesState<E>);

enum RepliesState<E> {
    Planned(Option<Box<Plan<E>>>),
    Asked(Pin<Box<dyn Stream<Item = Result<Message<E>, Error>> + Send>>),
}

struct Plan<E> {
    setup: RequestSetup<E>,
    expect: Option<usize>,
    silence: Option<Duration>,
}

impl<E: Encoder> Replies<E> {
    pub(crate) fn new(setup: RequestSetup<E>) -> Self {
        let plan = Plan { setup, expect: None, silence: None };
        Self(RepliesState::Planned(Some(Box::new(plan))))
    }

    fn plan(mut self, change: impl FnOnce(&mut Plan<E>)) -> Self {
        if let RepliesState::Planned(Some(plan)) = &mut self.0 {
            change(plan);
        }
        self
    }

    /// Ends the stream after a number of answers, failures included.
    pub fn expect(self, answers: usize) -> Self {
        self.plan(|plan| plan.expect = Some(answers))
    }

    /// Sets the silence after which the stream ends; 5 s by default. Instances whose handlers run
    /// for long send a sign of life every 1.7 s (a sixth of the idle limit).
    pub fn silence(self, silence: Duration) -> Self {
        self.plan(|plan| plan.silence = Some(silence))
    }

    /// Sets the timeout of the request, up to the last byte of all replies.
    pub fn timeout(self, timeout: Duration) -> Self {
        self.plan(|plan| plan.setup.timeout = Some(timeout))
    }

    /// Removes the timeout: the stream ends by its count, by silence, or when it is dropped.
    pub fn no_timeout(self) -> Self {
        self.plan(|plan| plan.setup.timeout = None)
    }

    /// Adds a header. An invalid header is reported by the stream.
    pub fn header(self, key: impl AsRef<str>, value: impl AsRef<str>) -> Self {
        self.plan(|plan| plan.setup.outgoing.header(key.as_ref(), value.as_ref()))
    }
}

/// Cancel safe: an item that was not yielded is yielded by the next call.
impl<E: Encoder> Stream for Replies<E> {
    type Item = Result<Message<E>, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let RepliesState::Planned(plan) = &mut self.0
            && let Some(plan) = plan.take()
        {
            self.0 = RepliesState::Asked(Box::pin(replies(plan)));
        }
        match &mut self.0 {
            RepliesState::Asked(replies) => replies.as_mut().poll_next(cx),
            RepliesState::Planned(_) => Poll::Ready(None),
        }
    }
}

impl<E> fmt::Debug for Replies<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replies").finish_non_exhaustive()
    }
}

enum State<E> {
    Planned(Box<Plan<E>>),
    Asked(Box<AskingAll>, Handle<E>, Around),
    Over,
}

fn replies<E: Encoder>(plan: Box<Plan<E>>) -> impl Stream<Item = Result<Message<E>, Error>> + Send {
    stream::unfold(State::Planned(plan), |state| async {
        let (mut asking, handle, around) = match state {
            State::Over => return None,
            State::Asked(asking, handle, around) => (asking, handle, around),
            State::Planned(plan) => {
                let (handle, around) =
                    (plan.setup.handle.clone(), plan.setup.outgoing.of_conduit());
                match begin(*plan).await {
                    Ok(asking) => (asking, handle, around),
                    Err(error) => return Some((Err(error), State::Over)),
                }
            }
        };
        let reply = asking.next().await?;
        let concerns_all = reply.as_ref().is_err_and(|error| error.instance().is_none());
        let (subject, deadline) = (asking.asking.ready.to.subject().clone(), asking.deadline);
        let reply = reply.map(|answer| {
            Message::reply_to(handle.clone(), subject, answer, deadline, around.clone())
        });
        let next = if concerns_all { State::Over } else { State::Asked(asking, handle, around) };
        Some((reply, next))
    })
}

/// A request to all in progress.
struct AskingAll {
    asking: Asking,
    deadline: Option<Instant>,
    /// How many more answers are expected.
    wanted: Option<usize>,
    progress: Progress,
}

async fn begin<E: Encoder>(plan: Plan<E>) -> Result<Box<AskingAll>, Error> {
    let Plan { setup, expect, silence } = plan;
    let (deadline, outgoing) = (setup.deadline(), setup.outgoing);
    let options = Options { expect, silence, ..Options::default() };
    if !outgoing.is_layered() {
        return Ok(Box::new(ask_all(outgoing, deadline, options).await?));
    }
    let change = |call: &mut OutboundCall| (call.0.deadline, call.0.options) = (deadline, options);
    let passing = outgoing.pass_layers(CallKind::RequestAll, passed, change)?;
    match passing.await.finish()? {
        (Done::Asked(asked), progress) => {
            let asked = asked.downcast::<AskingAll>();
            let mut asking = asked.map_err(|_| Outcome::of_another_call())?;
            asking.progress = progress;
            Ok(asking)
        }
        _ => Err(Outcome::of_another_call()),
    }
}

/// Asks when the layers are passed.
fn passed(call: OutboundCall) -> Begun {
    let (deadline, options) = (call.0.deadline, call.0.options);
    let asking = ask_all(Outgoing::of_call(call), deadline, options);
    Begun::Running(Box::pin(async move {
        Outcome::from(asking.await.map(|asked| Done::Asked(Box::new(asked))))
    }))
}

async fn ask_all(
    outgoing: Outgoing,
    deadline: Option<Instant>,
    options: Options,
) -> Result<AskingAll, Error> {
    let Options { expect, silence, .. } = options;
    let config = &outgoing.handle.shared().config;
    let limits = config.asker();
    let silence = silence.unwrap_or(limits.answer);
    let limits = AskerLimits { answer: silence, idle: silence, ..limits };
    let room = Room { answers: config.waiting, bytes: config.waiting_bytes_per_binding };
    let (message, ready, body) = check(outgoing, deadline, true)?;
    let body = prepare(&ready, body, deadline).await?;
    let takes = Takes::All { limits, room, expect };
    let asking = Asking::begin(message, ready, body, deadline, &takes)?;
    Ok(AskingAll { asking, deadline, wanted: expect, progress: Progress::default() })
}

impl AskingAll {
    async fn next(&mut self) -> Option<Result<Answer, Error>> {
        let Some(mut reply) = self.next_answer().await else {
            self.progress.end(Ok(()));
            return None;
        };
        self.progress.show(&mut reply);
        match &reply {
            Err(error) if error.instance().is_none() => self.progress.end(Err(error)),
            // Its reader may not ask for more.
            _ if self.wanted == Some(0) => self.progress.end(Ok(())),
            _ => {}
        }
        Some(reply)
    }

    async fn next_answer(&mut self) -> Option<Result<Answer, Error>> {
        if self.wanted == Some(0) {
            self.asking.end();
            return None;
        }
        let answer = self.asking.next().await.ok()?;
        let count = self.asking.pending.was_taken(self.asking.shared());
        self.wanted = self.wanted.map(|wanted| wanted.saturating_sub(count));
        match answer {
            Ok(mut answer) => {
                answer.content.limit_time(self.deadline);
                Some(Ok(answer))
            }
            Err(error) => Some(Err(self.asking.ready.to.about(error))),
        }
    }
}
