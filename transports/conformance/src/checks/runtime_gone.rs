//! A runtime that is gone while its conduit is in use.

use std::{
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::{Duration, Instant},
};

use bytes::Bytes;
use conduit::{Body, Conduit, Error, ErrorKind, Runtime, Task};
use futures_lite::{StreamExt, future, stream};

use crate::{Broker, Guarantee, Number, Violation, World};

/// So long that only something else than the limit ends anything in time.
const LONG: Duration = Duration::from_secs(1_000);

/// A runtime that drops its tasks ends everything with `Closed`: what waits at that moment, and
/// whatever is asked of the conduit later.
///
/// # Errors
/// What does not hold.
pub async fn a_runtime_that_is_gone_ends_everything<B: Broker>(
    world: Arc<World<B>>,
) -> Result<(), Violation> {
    let mortal = Arc::new(Mortal::new(world.runtime()));
    let mut doomed = Vec::new();
    for service in ["doomed", "draining"] {
        let builder = world.builder(service).await.runtime(Arc::clone(&mortal));
        doomed.push(builder.build().expect("limits at their defaults are valid"));
    }
    everything_ends(&world, &doomed[0], &doomed[1], || mortal.end()).await?;
    let late = world.builder("late").await.runtime(mortal).build();
    ended(&world, &late.expect("limits at their defaults are valid")).await
}

/// What a conduit `doomed` of the service `doomed` does, and the drain of another, end with
/// `Closed`, once `end` has ended what they cannot do without. Tests of a transport call it with a
/// runtime, or a client, of their own.
///
/// # Errors
/// What does not hold.
pub async fn everything_ends<B: Broker>(
    world: &Arc<World<B>>,
    doomed: &Conduit<Number>,
    draining: &Conduit<Number>,
    end: impl FnOnce(),
) -> Result<(), Violation> {
    let rule = Guarantee::Errors;
    let peer = world.patient_conduit("peer").await;
    let mut at_peer = rule.expect("bind", peer.queue_bind("asked").await)?;
    let mut asked = rule.expect("bind", doomed.queue_bind("asked").await)?;
    let mut read = rule.expect("bind", doomed.queue_bind("read").await)?;
    let mut quiet = rule.expect("bind", doomed.bind("quiet").await)?;
    let leaving = rule.expect("bind", doomed.bind("leaving").await)?;
    let left = rule.expect("bind", doomed.queue_bind("left").await)?;
    let mut stuck = rule.expect("bind", draining.queue_bind("stuck").await)?;
    let (own, to_peer) = (peer.service("doomed"), doomed.service("peer"));

    // The peer asks, and sends, and keeps what it gets.
    world.spawn(held(own.request("asked", &1).no_timeout()));
    world.spawn(held(own.request("asked", &2).no_timeout()));
    world.spawn(held(own.send_body("read", endless())));
    world.spawn(held(peer.service("draining").request("stuck", &3).no_timeout()));
    let mut kept = Vec::new();
    let watching = Watching::new(world);
    let first = rule.expect("a request", asked.next().await.ok_or("none comes"))?;
    watching.add("Message::cancelled", async move {
        first.cancelled().await;
        closed()
    });
    let second = rule.expect("a request", asked.next().await.ok_or("none comes"))?;
    watching.add("a streamed reply", second.reply_body(endless()));
    let third = rule.expect("a body", read.next().await.ok_or("none comes"))?;
    watching.add("a body that is read", async move { third.to_bytes().await.map(drop) });
    kept.push(rule.expect("a request", stuck.next().await.ok_or("none comes"))?);
    watching.add("a request", to_peer.request("asked", &4).timeout(LONG));
    kept.push(rule.expect("a request", at_peer.next().await.ok_or("none comes"))?);
    watching.add("a request without a limit", to_peer.request("asked", &5).no_timeout());
    kept.push(rule.expect("a request", at_peer.next().await.ok_or("none comes"))?);
    watching.add("a request whose body goes on", to_peer.request_body("asked", endless()));
    kept.push(rule.expect("a request", at_peer.next().await.ok_or("none comes"))?);
    watching.add("a body that is sent", to_peer.send_body("asked", endless()));
    kept.push(rule.expect("a body", at_peer.next().await.ok_or("none comes"))?);
    let all = rule.expect("bind", peer.bind("all").await)?;
    let mut replies = to_peer.request_all("all", &6).no_timeout();
    watching.add("replies", async move { replies.next().await.map_or(Ok(()), |r| r.map(drop)) });
    watching.add("next", async move { quiet.next().await.map_or_else(closed, |_| Ok(())) });
    watching
        .add("next in a group", async move { asked.next().await.map_or_else(closed, |_| Ok(())) });
    let drained = draining.clone();
    watching.add("drain", async move {
        drained.drain(LONG).await;
        closed()
    });
    world.eventually(rule, || "it does not drain".into(), || !stuck.is_bound()).await?;
    watching.add("unbind", async move {
        leaving.unbind().await;
        closed()
    });

    end();
    watching.all_closed().await?;
    let watching = Watching::new(world);
    watching.add("unbind, later", async move {
        left.unbind().await;
        closed()
    });
    watching.all_closed().await?;
    drop((kept, all));
    ended(world, doomed).await?;
    ended(world, draining).await
}

/// Whatever is asked of a conduit that has ended is `Closed`.
async fn ended<B: Broker>(
    world: &Arc<World<B>>,
    conduit: &Conduit<Number>,
) -> Result<(), Violation> {
    let watching = Watching::new(world);
    let own = conduit.own_service();
    let the = || conduit.clone();
    let bind = |conduit: Conduit<Number>| async move { conduit.bind("x").await.map(drop) };
    watching.add("bind, later", bind(the()));
    let bind = |conduit: Conduit<Number>| async move { conduit.queue_bind("x").await.map(drop) };
    watching.add("queue_bind, later", bind(the()));
    watching.add("send, later", own.send("x", &1));
    watching.add("a body, later", own.send_body("x", endless()));
    watching.add("a request, later", own.request("x", &1).timeout(LONG));
    watching.add("a request without a limit, later", own.request("x", &1).no_timeout());
    watching.add("a request with a body, later", own.request_body("x", endless()));
    let mut replies = own.request_all("x", &1).no_timeout();
    watching
        .add("replies, later", async move { replies.next().await.map_or(Ok(()), |r| r.map(drop)) });
    let end = |conduit: Conduit<Number>| async move {
        conduit.drain(LONG).await;
        conduit.close().await;
        closed()
    };
    watching.add("drain and close, later", end(the()));
    watching.all_closed().await
}

fn closed() -> Result<(), Error> {
    Err(ErrorKind::Closed.into())
}

/// A body whose producer never ends, and gives nothing after the first bytes.
fn endless() -> Body {
    Body::stream(stream::once(Ok(Bytes::from_static(b"first"))).chain(stream::pending()))
}

/// Makes a call, and keeps what comes of it.
async fn held<T>(call: impl Future<Output = T> + Send) {
    let _kept = call.await;
    future::pending::<()>().await;
}

/// Calls that are to end.
struct Watching<'a, B> {
    world: &'a World<B>,
    ended: async_channel::Sender<(&'static str, Option<ErrorKind>)>,
    ends: async_channel::Receiver<(&'static str, Option<ErrorKind>)>,
}

impl<'a, B: Broker> Watching<'a, B> {
    fn new(world: &'a World<B>) -> Self {
        let (ended, ends) = async_channel::unbounded();
        Self { world, ended, ends }
    }

    fn add<T>(
        &self,
        what: &'static str,
        call: impl Future<Output = Result<T, Error>> + Send + 'static,
    ) {
        let ended = self.ended.clone();
        self.world.spawn(async move {
            let kind = call.await.err().map(|error| error.kind());
            ended.try_send((what, kind)).ok();
        });
    }

    /// Waits until all have ended.
    async fn all_closed(self) -> Result<(), Violation> {
        let Self { world, ended, ends } = self;
        drop(ended);
        let mut seen = Vec::new();
        loop {
            let what = format!("of what waits, only these have ended: {seen:?}");
            let end = world.within(B::PATIENCE, Guarantee::Errors, &what, ends.recv()).await?;
            let Ok((what, kind)) = end else { return Ok(()) };
            Guarantee::Errors
                .ensure(kind == Some(ErrorKind::Closed), || format!("{what} ends with {kind:?}"))?;
            seen.push(what);
        }
    }
}

/// A task, until it is dropped.
type Running = Arc<Mutex<Option<Task>>>;

/// An executor of one's own: it drops all its tasks when it is told to.
struct Mortal {
    inner: Arc<dyn Runtime>,
    /// Nothing once it is gone.
    tasks: Mutex<Option<Vec<Running>>>,
}

impl Mortal {
    fn new(inner: Arc<dyn Runtime>) -> Self {
        Self { inner, tasks: Mutex::new(Some(Vec::new())) }
    }

    fn end(&self) {
        let tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner).take();
        for task in tasks.into_iter().flatten() {
            let task = task.lock().unwrap_or_else(PoisonError::into_inner).take();
            drop(task);
        }
    }
}

impl Runtime for Mortal {
    fn spawn(&self, task: Task) {
        let task = Arc::new(Mutex::new(Some(task)));
        match &mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(tasks) => tasks.push(Arc::clone(&task)),
            None => return,
        }
        self.inner.spawn(Box::pin(std::future::poll_fn(move |cx: &mut Context<'_>| {
            let mut task = task.lock().unwrap_or_else(PoisonError::into_inner);
            let polled = task.as_mut().map_or(Poll::Ready(()), |task| task.as_mut().poll(cx));
            if polled.is_ready() {
                *task = None;
            }
            polled
        })));
    }

    fn sleep_until(&self, at: Instant) -> Task {
        self.inner.sleep_until(at)
    }

    fn now(&self) -> Instant {
        self.inner.now()
    }
}
