//! Requests to everybody.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use conduit::{Conduit, Error, ErrorKind, Executed, InstanceId, Message, Replies};
use futures_lite::{StreamExt, future};

use super::failures::LONG;
use crate::{Broker, Guarantee, Number, Violation, World, guard::Guard, pattern::Pattern};

const RULE: Guarantee = Guarantee::Replies;
const INSTANCES: usize = 5;
/// Longer than it takes a slow machine to answer, and shorter than patience.
const SILENCE: Duration = Duration::from_secs(3);

/// Every instance answers a request to all, once, with its headers.
///
/// # Errors
/// What does not hold.
pub async fn everybody_answers_a_request_to_all<B: Broker>(
    world: Arc<World<B>>,
) -> Result<(), Violation> {
    let asker = world.conduit("asker").await;
    let instances = instances(&world, |message, _| async move {
        let header = message.headers().get("key").unwrap_or_default().to_owned();
        let number: u64 = message.decode().await?;
        Ok(message.reply(&number).header("key", header + "?").await?)
    })
    .await?;
    // One that is not asked: the group is not everybody.
    let other = world.conduit("workers").await;
    let _unread = RULE.expect("queue_bind", other.queue_bind("all").await)?;
    for round in 0..10_u64 {
        let asking = asker.service("workers").request_all("all", &round).header("key", "why");
        let mut replies = Answers::default();
        for reply in collect(&world, asking.expect(INSTANCES).timeout(LONG)).await? {
            let reply = RULE.expect("a reply", reply)?;
            let number: u64 = RULE.expect("decode", reply.decode().await)?;
            let header = reply.headers().get("key");
            let right = number == round && header == Some("why?");
            RULE.ensure(right, || format!("{number} and {header:?} for {round}"))?;
            replies.add(reply.source().instance)?;
        }
        replies.are_of(&instances)?;
    }
    Ok(())
}

/// Without a count it ends in silence. Of those that have not answered by then, the handlers are
/// cancelled.
///
/// # Errors
/// What does not hold.
pub async fn silence_ends_a_request_to_all<B: Broker>(
    world: Arc<World<B>>,
) -> Result<(), Violation> {
    let asker = world.conduit("asker").await;
    let (ended, ends) = async_channel::unbounded();
    let instances = instances(&world, move |message, number| {
        let guard = Guard(ended.clone());
        async move {
            if number == 0 {
                future::pending::<()>().await;
            }
            message.reply(&1).await?;
            std::mem::forget(guard);
            Ok(())
        }
    })
    .await?;
    let asking = asker.service("workers").request_all("all", &1).silence(SILENCE).timeout(LONG);
    let mut replies = Answers::default();
    for reply in collect(&world, asking).await? {
        replies.add(RULE.expect("a reply", reply)?.source().instance)?;
    }
    replies.are_of(&instances[1..])?;
    let end = world.within(B::PATIENCE, RULE, "the end of a handler", ends.recv()).await?;
    RULE.expect("the end of a handler", end)
}

/// One that fails is named, and the others answer all the same.
///
/// # Errors
/// What does not hold.
pub async fn one_failure_does_not_end_a_request_to_all<B: Broker>(
    world: Arc<World<B>>,
) -> Result<(), Violation> {
    let asker = world.conduit("asker").await;
    let instances = instances(&world, |message, number| async move {
        match number {
            0 => Err("it is Tuesday".into()),
            _ => Ok(message.reply(&1).await?),
        }
    })
    .await?;
    let asking = asker.service("workers").request_all("all", &1).expect(INSTANCES).timeout(LONG);
    let mut replies = Answers::default();
    let mut errors = Vec::new();
    for reply in collect(&world, asking).await? {
        match reply {
            Ok(reply) => replies.add(reply.source().instance)?,
            Err(error) => errors.push(error),
        }
    }
    replies.are_of(&instances[1..])?;
    let right = matches!(&*errors, [error] if error.kind() == ErrorKind::HandlerFailed
        && error.executed() == Executed::Yes
        && error.instance() == Some(instances[0].instance()));
    RULE.ensure(right, || format!("one handler failed, and the errors are {errors:?}"))
}

/// Where nobody is bound, it says so at once, and nothing else.
///
/// # Errors
/// What does not hold.
pub async fn a_request_to_all_of_nobody_says_so<B: Broker>(
    world: Arc<World<B>>,
) -> Result<(), Violation> {
    if !B::TELLS_UNDELIVERED {
        return Ok(());
    }
    let asker = world.conduit("asker").await;
    let alive = world.conduit("alive").await;
    let _group = RULE.expect("queue_bind", alive.queue_bind("all").await)?;
    for service in ["absent", "alive"] {
        for size in super::failures::SIZES {
            let asking = asker.service(service).request_all_body("all", vec![7; size]);
            let all = collect(&world, asking.silence(LONG).timeout(LONG)).await?;
            let right = matches!(&*all, [Err(error)]
                if error.kind() == ErrorKind::NoReceivers && error.executed() == Executed::No);
            RULE.ensure(right, || format!("{size} bytes to all of {service}: {all:?}"))?;
        }
    }
    Ok(())
}

/// Bodies of requests and replies are streamed to and from everybody.
///
/// # Errors
/// What does not hold.
pub async fn bodies_go_to_all_and_come_back<B: Broker>(
    world: Arc<World<B>>,
) -> Result<(), Violation> {
    const BODY: Pattern = Pattern::of_length(200_000);
    // However slow this machine is, everybody joins in time.
    let asker = world.patient_conduit("asker").await;
    let instances = instances(&world, |message, _| async move {
        Ok(message.reply_body(message.take_body()?).await?)
    })
    .await?;
    let asking = asker.service("workers").request_all_body("all", BODY.bytes()).expect(INSTANCES);
    let mut replies = Answers::default();
    let mut reading = Vec::new();
    for reply in collect(&world, asking.timeout(LONG)).await? {
        let reply = RULE.expect("a reply", reply)?;
        replies.add(reply.source().instance)?;
        reading.push(world.run(async move { reply.to_bytes().await }));
    }
    replies.are_of(&instances)?;
    for body in reading {
        let body = world.within(B::PATIENCE, RULE, "the body of a reply", body).await?;
        let body = RULE.expect("the body of a reply", body)?;
        let whole = body.len() as u64 == BODY.length() && BODY.matches(0, &body);
        RULE.ensure(whole, || format!("{} other bytes came back", body.len()))?;
    }
    Ok(())
}

/// Instances of a service, which handle what is asked of all, each knowing its number.
async fn instances<B, R>(
    world: &World<B>,
    handle: impl Fn(Message<Number>, usize) -> R + Clone + Send + 'static,
) -> Result<Vec<Conduit<Number>>, Violation>
where
    B: Broker,
    R: Future<Output = Result<(), Box<dyn std::error::Error + Send + Sync>>> + Send + 'static,
{
    let mut conduits = Vec::new();
    for number in 0..INSTANCES {
        // None says that it is alive while a check waits for silence.
        let builder = world.builder("workers").await.idle_limit(LONG);
        let conduit = RULE.expect("build", builder.build())?;
        let handle = handle.clone();
        let binding = RULE.expect("bind", conduit.bind("all").await)?;
        binding.to(move |message| handle(message, number));
        conduits.push(conduit);
    }
    Ok(conduits)
}

/// Everything that comes until the end, which has to come.
async fn collect<B: Broker>(
    world: &World<B>,
    replies: Replies<Number>,
) -> Result<Vec<Result<Message<Number>, Error>>, Violation> {
    let all = replies.collect();
    world.within(B::PATIENCE + SILENCE, RULE, "the end of a request to all", all).await
}

/// Who has answered.
#[derive(Default)]
struct Answers(BTreeSet<InstanceId>);

impl Answers {
    fn add(&mut self, instance: InstanceId) -> Result<(), Violation> {
        RULE.ensure(self.0.insert(instance), || format!("{instance} answered twice"))
    }

    fn are_of(&self, conduits: &[Conduit<Number>]) -> Result<(), Violation> {
        let wanted: BTreeSet<_> = conduits.iter().map(Conduit::instance).collect();
        RULE.ensure(self.0 == wanted, || format!("{:?} answered, of {wanted:?}", self.0))
    }
}
