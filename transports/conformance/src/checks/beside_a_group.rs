//! Plain bindings beside a group.

use std::{
    panic,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use conduit::{Conduit, Message};

use super::failures::LONG;
use crate::{Broker, Guarantee, Number, Violation, World};

const RULE: Guarantee = Guarantee::Replies;

/// A `bind` beside a group may fail, panic or drop the message: the group answers. It runs once for
/// each request.
///
/// # Errors
/// What does not hold.
pub async fn a_bind_does_not_spoil_what_the_group_answers<B: Broker>(
    world: Arc<World<B>>,
) -> Result<(), Violation> {
    // The last of them is streamed.
    const SIZES: [usize; 5] = [0, 8, 8, 100, 100_000];
    // However slow this machine is, the bind joins in time.
    let asker = world.patient_conduit("asker").await;
    let worker = world.conduit("worker").await;
    let logger = world.conduit("worker").await;
    let (logged, logs) = async_channel::unbounded();
    for subject in ["fails", "panics", "drops"] {
        let logs = logs.clone();
        RULE.expect("queue_bind", worker.queue_bind(subject).await)?.to(
            move |message: Message<Number>| {
                let logs = logs.clone();
                async move {
                    // What the bind makes of it comes first.
                    logs.recv().await?;
                    let length = message.to_bytes().await?.len();
                    message.reply(&(length as u64)).await?;
                    Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
                }
            },
        );
        let logged = logged.clone();
        RULE.expect("bind", logger.bind(subject).await)?.to(move |_| {
            let logged = logged.clone();
            async move {
                logged.try_send(()).ok();
                match subject {
                    "fails" => Err("it cannot log"),
                    "panics" => panic::resume_unwind(Box::new("it cannot log")),
                    _ => Ok(()),
                }
            }
        });
    }
    for subject in ["fails", "panics", "drops"] {
        for size in SIZES {
            let asking = asker.service("worker").request_body(subject, vec![7; size]);
            let what = format!("{size} bytes beside one that {subject}");
            let asking = asking.timeout(LONG);
            let reply = world.within(B::PATIENCE, RULE, &what, asking).await?;
            let length: u64 = RULE.expect(&what, RULE.expect(&what, reply)?.decode().await)?;
            RULE.ensure(length == size as u64, || format!("{what}: {length} were read"))?;
        }
    }
    runs_no_more(&world, &logger, &logs).await
}

/// Where the group is full and is asked again, a `bind` beside it is not.
///
/// # Errors
/// What does not hold.
pub async fn a_bind_runs_once_where_the_group_is_asked_again<B: Broker>(
    world: Arc<World<B>>,
) -> Result<(), Violation> {
    // Meanwhile the group refuses some times. That is all that depends on it.
    const FULL: Duration = Duration::from_millis(200);
    let asker = world.patient_conduit("asker").await;
    let logger = world.conduit("worker").await;
    let worker = world.builder("worker").await.max_waiting_messages(1).build();
    let worker = RULE.expect("build", worker)?;
    let mut full = RULE.expect("queue_bind", worker.queue_bind("jobs").await)?;
    let service = asker.service("worker").timeout(LONG);
    let (logged, logs) = async_channel::unbounded();
    RULE.expect("bind", logger.bind("jobs").await)?.to(move |message| {
        if message.is_request() {
            logged.try_send(()).ok();
        }
        async {}
    });
    for size in super::failures::SIZES {
        RULE.expect("send", service.send("jobs", &1).await)?;
        let what = || "the message did not arrive".to_owned();
        world.eventually(RULE, what, || full.waiting() == 1).await?;
        let asking = service.request_body("jobs", vec![7; size]);
        let asked = world.run(async move { asking.await?.decode::<u64>().await });
        let log = world.within(B::PATIENCE, RULE, "a request reaches the bind", logs.recv());
        RULE.expect("a request reaches the bind", log.await?)?;
        world.pause(FULL).await;
        for is_request in [false, true] {
            let next =
                world.within(B::PATIENCE, RULE, "a request that is asked again", full.next());
            let message = next.await?.ok_or_else(|| Violation::new(RULE, "the binding ended"))?;
            let right = message.is_request() == is_request;
            RULE.ensure(right, || format!("something else came: {message:?}"))?;
            if is_request {
                RULE.expect("reply", message.reply(&2).await)?;
            }
        }
        let what = "the answer of a group that was full";
        let answer = world.within(B::PATIENCE, RULE, what, asked).await?;
        RULE.expect(what, answer)?;
    }
    runs_no_more(&world, &logger, &logs).await
}

/// A bind that has no room for its copy of what the group takes counts it: what it received and what
/// it lost are all that was sent, requests and streamed bodies among it.
///
/// # Errors
/// What does not hold.
pub async fn what_a_full_bind_refuses_is_counted<B: Broker>(
    world: Arc<World<B>>,
) -> Result<(), Violation> {
    const ROUNDS: u64 = 15;
    const STREAMED: usize = 20_000;
    let asker = world.patient_conduit("asker").await;
    let worker = world.conduit("worker").await;
    RULE.expect("queue_bind", worker.queue_bind("jobs").await)?.to(|message| async move {
        let length = message.to_bytes().await?.len() as u64;
        if message.is_request() { message.reply(&length).await } else { Ok(()) }
    });
    let full = world.builder("worker").await.max_waiting_messages(4).max_bodies_per_binding(2);
    let full = RULE.expect("build", full.build())?;
    let received = Arc::new(AtomicU64::new(0));
    let (open, gate) = async_channel::bounded::<()>(1);
    let count = Arc::clone(&received);
    let bind = RULE.expect("bind", full.bind("jobs").await)?.to(move |message: Message<Number>| {
        let is_first = count.fetch_add(1, Ordering::SeqCst) == 0;
        let gate = gate.clone();
        async move {
            if is_first {
                gate.recv().await.ok();
            }
            message.to_bytes().await.map(drop)
        }
    });
    let service = asker.service("worker").timeout(LONG);
    let mut sent = Vec::new();
    for _ in 0..ROUNDS {
        for size in [8, STREAMED] {
            let asking = service.request_body("jobs", vec![7; size]);
            let what = "a request beside a full bind";
            RULE.expect(what, world.within(B::PATIENCE, RULE, what, asking).await?)?;
        }
        RULE.expect("send", service.send_body("jobs", vec![7; 8]).await)?;
        let sending = service.send_body("jobs", vec![7; STREAMED]).expect(1);
        sent.push(world.run(async move { sending.await.map(drop) }));
    }
    let all = 4 * ROUNDS;
    let what = || "a full bind counts nothing".to_owned();
    world.eventually(RULE, what, || bind.lost() > 0).await?;
    open.try_send(()).ok();
    for sent in sent {
        // That the bind did not take it is in the result.
        RULE.expect("send", world.within(B::PATIENCE, RULE, "send", sent).await?)?;
    }
    let counts = || (received.load(Ordering::SeqCst), bind.lost());
    let what = || format!("of {all} sent, received and lost are {:?}", counts());
    world.eventually(RULE, what, || counts().0 + counts().1 >= all).await?;
    RULE.ensure(counts().0 + counts().1 == all, what)?;
    let lost = full.stats().lost_messages;
    RULE.ensure(lost == bind.lost(), || format!("the conduit counts {lost}: {:?}", counts()))
}

/// The bind has run once for all that was taken out.
async fn runs_no_more<B: Broker>(
    world: &World<B>,
    logger: &Conduit<Number>,
    logs: &async_channel::Receiver<()>,
) -> Result<(), Violation> {
    let drain = logger.drain(B::PATIENCE);
    world.within(2 * B::PATIENCE, RULE, "drain", drain).await?;
    RULE.ensure(logs.is_empty(), || format!("the bind has run {} times more", logs.len()))
}
