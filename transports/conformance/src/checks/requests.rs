//! Requests and their replies.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use async_channel::{Receiver, Sender};
use bytes::Bytes;
use conduit::{Body, Client, Conduit, Message};
use futures_lite::stream;

use crate::{Broker, Guarantee, Number, Violation, World};

const RULE: Guarantee = Guarantee::Replies;
const INSTANCES: u64 = 3;
const IN_FLIGHT: u64 = 64;
/// What every streamed body here has more than one chunk of, in bytes.
const BODY: usize = 40_000;

/// G4: three instances ask three others, many requests at a time, and each reply reaches the one
/// that asked.
///
/// # Errors
/// What does not hold.
pub async fn replies_reach_their_askers<B: Broker>(world: Arc<World<B>>) -> Result<(), Violation> {
    let answer = |message: Message<Number>| async move {
        let number: u64 = message.decode().await?;
        message.reply(&number).await
    };
    let ask = |service: Client<Number>, number: u64| async move {
        let reply = service.request("echo", &number).timeout(B::PATIENCE).await?;
        reply.decode().await
    };
    ask_and_answer(&world, 10_000, ask, answer).await.map(drop)
}

/// A reply may come before the handler has read the body of the request.
///
/// # Errors
/// What does not hold.
pub async fn a_reply_may_come_before_the_body_is_read<B: Broker>(
    world: Arc<World<B>>,
) -> Result<(), Violation> {
    let answer = |message: Message<Number>| async move {
        message.reply(&numbered(&message)).await?;
        read_whole(&message).await
    };
    let ask = |service: Client<Number>, number: u64| async move {
        let request =
            service.request_body("echo", vec![7; BODY]).header("number", number.to_string());
        request.timeout(B::PATIENCE).await?.decode().await
    };
    ask_and_answer(&world, 1_000, ask, answer).await.map(drop)
}

/// A reply may come while the body of the request is being sent, which then goes on.
///
/// # Errors
/// What does not hold.
pub async fn a_reply_may_come_while_the_body_is_sent<B: Broker>(
    world: Arc<World<B>>,
) -> Result<(), Violation> {
    let (read, whole) = async_channel::unbounded();
    let answer = move |message: Message<Number>| {
        let read = read.clone();
        async move {
            message.reply(&numbered(&message)).await?;
            read_whole(&message).await?;
            read.try_send(()).ok();
            Ok(())
        }
    };
    let ask = |service: Client<Number>, number: u64| async move {
        let (open, gate) = async_channel::bounded(1);
        let request =
            service.request_body("echo", gated_body(gate)).header("number", number.to_string());
        let number = request.timeout(B::PATIENCE).await?.decode().await;
        open.try_send(()).ok();
        number
    };
    let open = ask_and_answer(&world, 300, ask, answer).await?;
    for _ in 0..300 {
        let one = world.within(B::PATIENCE, RULE, "the rest of a body", whole.recv());
        RULE.expect("read the rest of a body", one.await?)?;
    }
    drop(open);
    Ok(())
}

/// The first half of a body at once, and the second when a gate opens.
fn gated_body(gate: Receiver<()>) -> Body {
    let half = || Bytes::from(vec![7; BODY / 2]);
    let halves = stream::unfold((0, gate), move |(sent, gate)| async move {
        if sent == 1 {
            gate.recv().await.ok();
        }
        (sent < 2).then(|| (io::Result::Ok(half()), (sent + 1, gate)))
    });
    Body::stream(halves)
}

/// The number that a request has in its header.
fn numbered(message: &Message<Number>) -> u64 {
    let number = message.headers().get("number");
    number.and_then(|text| text.parse().ok()).unwrap_or(u64::MAX)
}

/// Reads a body, which has to have its length.
async fn read_whole(message: &Message<Number>) -> Result<(), conduit::Error> {
    let body = message.to_bytes().await?;
    assert_eq!(body.len(), BODY, "a body came short");
    Ok(())
}

/// Lets instances of one service ask instances of another, many at a time each. All of them stay
/// open until what is returned is dropped.
async fn ask_and_answer<B, Asked, Answered>(
    world: &Arc<World<B>>,
    count: u64,
    ask: impl Fn(Client<Number>, u64) -> Asked + Clone + Send + 'static,
    answer: impl Fn(Message<Number>) -> Answered + Clone + Send + 'static,
) -> Result<Vec<Conduit<Number>>, Violation>
where
    B: Broker,
    Asked: Future<Output = Result<u64, conduit::Error>> + Send + 'static,
    Answered: Future<Output = Result<(), conduit::Error>> + Send + 'static,
{
    let mut open = Vec::new();
    for _ in 0..INSTANCES {
        let conduit = world.conduit("answers").await;
        let binding = RULE.expect("queue_bind", conduit.queue_bind("echo").await)?;
        binding.to(answer.clone());
        open.push(conduit);
    }
    let (results, done) = async_channel::bounded(1);
    let next = Arc::new(AtomicU64::new(0));
    for _ in 0..INSTANCES {
        let conduit = world.conduit("asks").await;
        for _ in 0..IN_FLIGHT {
            let worker = Worker {
                conduit: conduit.clone(),
                next: Arc::clone(&next),
                results: results.clone(),
            };
            world.spawn(worker.run(count, ask.clone()));
        }
        open.push(conduit);
    }
    drop(results);
    // What one of them says comes first; then all are done, and the channel is closed.
    match done.recv().await {
        Ok(violation) => Err(violation),
        Err(_) => Ok(open),
    }
}

/// One of those that ask at the same time.
struct Worker {
    conduit: Conduit<Number>,
    next: Arc<AtomicU64>,
    results: Sender<Violation>,
}

impl Worker {
    async fn run<Asked>(self, count: u64, ask: impl Fn(Client<Number>, u64) -> Asked + Send)
    where
        Asked: Future<Output = Result<u64, conduit::Error>> + Send,
    {
        while !self.results.is_full() {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            if number >= count {
                break;
            }
            let replied = ask(self.conduit.service("answers"), number).await;
            let what = match replied {
                Ok(replied) if replied == number => continue,
                Ok(replied) => format!("request {number} got the reply of {replied}"),
                Err(error) => format!("request {number}: {error}"),
            };
            self.results.try_send(Violation::new(RULE, what)).ok();
        }
    }
}
