//! What becomes of messages that no handler has got when their binding ends.

use std::{sync::Arc, time::Duration};

use async_channel::Receiver;
use conduit::{Binding, Conduit, Error, ErrorKind, Executed, Message};

use super::failures::LONG;
use crate::{
    Broker, Guarantee, Number, Violation, World, guard::Guard, pattern::Pattern, tally::Tally,
};

const RULE: Guarantee = Guarantee::Leaving;
const EACH: usize = 3;
/// More than one packet, and more than the first credit.
const LENGTHS: [u64; 2] = [30_000, 200_000];

/// G17: messages and requests that stream, and wait in the queue binding of a conduit that drains,
/// are handled by another member, and each is counted once.
///
/// # Errors
/// What does not hold.
pub async fn draining_gives_bodies_back<B: Broker>(world: Arc<World<B>>) -> Result<(), Violation> {
    for length in LENGTHS {
        let leaves = leaving(&world).await?;
        let unread = RULE.expect("queue_bind", leaves.queue_bind("jobs").await)?;
        let waiting = waiting(&world, &unread, length).await?;
        let stays = world.conduit("worker").await;
        let whole = read_all(&stays, length).await?;
        let draining = leaves.drain(Duration::from_millis(100));
        let drained = world.within(B::PATIENCE, RULE, "drain", draining).await?;
        let counts = [drained.finished, drained.handed_on, drained.aborted];
        RULE.ensure(counts == [0, 2 * EACH, 0], || format!("it counts {drained:?}"))?;
        everybody_is_served(&world, &waiting, &whole).await?;
        // It must not take what the next one is for.
        world.within(B::PATIENCE, RULE, "close", stays.close()).await?;
    }
    Ok(())
}

/// The same where a binding is dropped, or its conduit closed.
///
/// # Errors
/// What does not hold.
pub async fn a_dropped_member_gives_bodies_back<B: Broker>(
    world: Arc<World<B>>,
) -> Result<(), Violation> {
    for closes in [false, true] {
        let leaves = leaving(&world).await?;
        let unread = RULE.expect("queue_bind", leaves.queue_bind("jobs").await)?;
        let waiting = waiting(&world, &unread, LENGTHS[0]).await?;
        let stays = world.conduit("worker").await;
        let whole = read_all(&stays, LENGTHS[0]).await?;
        if closes {
            world.within(B::PATIENCE, RULE, "close", leaves.close()).await?;
        }
        drop(unread);
        everybody_is_served(&world, &waiting, &whole).await?;
        // It must not take what the next one is for.
        world.within(B::PATIENCE, RULE, "close", stays.close()).await?;
    }
    Ok(())
}

/// G12: where no other binding takes it, the sender of what waited is told that it was refused, and
/// that no handler was executed.
///
/// # Errors
/// What does not hold.
pub async fn a_body_that_nobody_got_was_refused<B: Broker>(
    world: Arc<World<B>>,
) -> Result<(), Violation> {
    for subject in ["plain", "queue"] {
        let receiver = world.conduit("receiver").await;
        let bound = match subject {
            "plain" => receiver.bind(subject).await,
            _ => receiver.queue_bind(subject).await,
        };
        let bound = RULE.expect("bind", bound)?;
        let sender = world.patient_conduit("sender").await;
        let body = Pattern::of_length(LENGTHS[1]).bytes();
        let sending = sender.service("receiver").send_body(subject, body).expect(1);
        let told = world.run(async move { sending.await.map(drop) });
        let what = || "nothing waits".to_owned();
        world.eventually(RULE, what, || bound.waiting() == 1).await?;
        // Its sender reads the producer once it has confirmed.
        let what = || "nothing is sent".to_owned();
        world.eventually(RULE, what, || sender.stats().outgoing_bytes > 0).await?;
        drop(bound);
        let told = world.within(B::PATIENCE, RULE, "a refusal", told).await?;
        let refused =
            |error: &Error| error.kind() == ErrorKind::Draining && error.executed() == Executed::No;
        let right = told.as_ref().is_err_and(refused);
        RULE.ensure(right, || format!("the sender of a {subject} message is told {told:?}"))?;
    }
    Ok(())
}

/// G17: what is handed on is handed on, however much it is, and only then counted.
///
/// # Errors
/// What does not hold.
pub async fn what_is_handed_on_arrives<B: Broker>(world: Arc<World<B>>) -> Result<(), Violation> {
    const COUNT: u64 = 1000;
    let leaves = world.builder("worker").await.outbox_size(2).build();
    let leaves = RULE.expect("build", leaves)?;
    let unread = RULE.expect("queue_bind", leaves.queue_bind("jobs").await)?;
    let sender = world.conduit("sender").await;
    for number in 0..COUNT {
        RULE.expect("send", sender.service("worker").send("jobs", &number).await)?;
    }
    let what = || format!("{} messages wait", unread.waiting());
    world.eventually(RULE, what, || unread.waiting() as u64 == COUNT).await?;
    let stays = world.conduit("worker").await;
    let tally = Tally::new(RULE);
    tally.handle(RULE.expect("queue_bind", stays.queue_bind("jobs").await)?);
    let draining = leaves.drain(Duration::from_millis(100));
    let drained = world.within(B::PATIENCE, RULE, "drain", draining).await?;
    let counts = [drained.finished, drained.handed_on, drained.aborted];
    RULE.ensure(counts == [0, 1000, 0], || format!("it counts {drained:?}"))?;
    tally.each_below(&world, COUNT).await?;
    tally.nothing_more()
}

/// G17: a handler that is cut off takes no other message: all that wait behind it are handed on.
///
/// # Errors
/// What does not hold.
pub async fn a_handler_that_is_cut_off_takes_no_other<B: Broker>(
    world: Arc<World<B>>,
) -> Result<(), Violation> {
    const COUNT: usize = 40;
    for (subject, concurrency) in [("one", 1), ("four", 4)] {
        let leaves = leaving(&world).await?;
        let (begun, begins) = async_channel::unbounded();
        let bound = RULE.expect("queue_bind", leaves.queue_bind(subject).await)?;
        let handler = bound.concurrency(concurrency).to(move |message: Message<Number>| {
            begun.try_send(()).ok();
            async move {
                futures_lite::future::pending::<()>().await;
                drop(message);
            }
        });
        let sender = world.conduit("sender").await;
        for _ in 0..COUNT {
            let body = Pattern::of_length(100_000).bytes();
            let sending = sender.service("worker").timeout(LONG).send_body(subject, body);
            world.spawn(async move {
                sending.await.ok();
            });
        }
        for _ in 0..concurrency {
            let begun = world.within(B::PATIENCE, RULE, "a handler begins", begins.recv()).await?;
            RULE.expect("a handler begins", begun)?;
        }
        let what = || format!("{} messages wait", handler.waiting());
        world.eventually(RULE, what, || handler.waiting() == COUNT - concurrency).await?;
        let draining = leaves.drain(Duration::from_millis(100));
        let drained = world.within(B::PATIENCE, RULE, "drain", draining).await?;
        let late = begins.len();
        RULE.ensure(late == 0, || format!("{late} handlers began when the others were cut off"))?;
        let counts = [drained.finished, drained.handed_on, drained.aborted];
        RULE.ensure(counts == [0, COUNT - concurrency, concurrency], || format!("{drained:?}"))?;
    }
    Ok(())
}

/// G17: when `drain` and `close` return, nothing is left of the handlers that they cut off.
///
/// # Errors
/// What does not hold.
pub async fn handlers_are_gone_when_a_conduit_is_closed<B: Broker>(
    world: Arc<World<B>>,
) -> Result<(), Violation> {
    for (concurrency, drains) in [(1, true), (4, true), (1, false), (4, false)] {
        let worker = world.conduit("worker").await;
        let (begun, begins) = async_channel::unbounded();
        let (ended, ends) = async_channel::unbounded();
        let captured = Guard(ended.clone());
        let bound = RULE.expect("queue_bind", worker.queue_bind("jobs").await)?;
        bound.concurrency(concurrency).to(move |message: Message<Number>| {
            let (guard, _) = (Guard(ended.clone()), &captured);
            begun.try_send(()).ok();
            async move {
                futures_lite::future::pending::<()>().await;
                drop((message, guard));
            }
        });
        for _ in 0..concurrency {
            RULE.expect("send", worker.own_service().send("jobs", &1).await)?;
            let begun = world.within(B::PATIENCE, RULE, "a handler begins", begins.recv()).await?;
            RULE.expect("a handler begins", begun)?;
        }
        let closing = async {
            if drains {
                worker.drain(Duration::from_millis(10)).await;
            } else {
                worker.close().await;
            }
        };
        world.within(B::PATIENCE, RULE, "close", closing).await?;
        let gone = ends.len();
        RULE.ensure(gone == concurrency + 1, || format!("{gone} of the handlers' parts are gone"))?;
    }
    Ok(())
}

/// What senders and askers are told.
struct Waiting {
    _sender: Conduit<Number>,
    sent: Receiver<Result<(), Error>>,
    answered: Receiver<Result<(), Error>>,
}

/// A conduit in whose bindings requests wait, however slow the machine is.
async fn leaving<B: Broker>(world: &World<B>) -> Result<Conduit<Number>, Violation> {
    RULE.expect("build", world.builder("worker").await.max_request_wait(LONG).build())
}

/// Messages and requests that wait there.
async fn waiting<B: Broker>(
    world: &World<B>,
    unread: &Binding<Number>,
    length: u64,
) -> Result<Waiting, Violation> {
    let sender = world.conduit("sender").await;
    let service = sender.service("worker").timeout(LONG);
    let (sent, sends) = async_channel::unbounded();
    let (answered, answers) = async_channel::unbounded();
    for number in 0..EACH {
        let body = Pattern::of_length(length);
        let (sending, sent) = (service.send_body("jobs", body.bytes()), sent.clone());
        world.spawn(async move {
            sent.try_send(sending.await.map(drop)).ok();
        });
        let (asking, answered) = (service.request_body("jobs", body.bytes()), answered.clone());
        world.spawn(async move {
            answered.try_send(asking.await.map(drop)).ok();
        });
        let what = || format!("{} messages wait", unread.waiting());
        world.eventually(RULE, what, || unread.waiting() == 2 * (number + 1)).await?;
    }
    Ok(Waiting { _sender: sender, sent: sends, answered: answers })
}

/// Another member, that reads everything. It says how often a body was whole.
async fn read_all(stays: &Conduit<Number>, length: u64) -> Result<Receiver<()>, Violation> {
    let (whole, wholes) = async_channel::unbounded();
    let bound = RULE.expect("queue_bind", stays.queue_bind("jobs").await)?;
    bound.to(move |message: Message<Number>| {
        let whole = whole.clone();
        async move {
            let body = message.to_bytes().await?;
            if body == Pattern::of_length(length).bytes() {
                whole.try_send(()).ok();
            }
            if message.is_request() {
                message.reply_body(()).await?;
            }
            Ok::<_, Error>(())
        }
    });
    Ok(wholes)
}

async fn everybody_is_served<B: Broker>(
    world: &World<B>,
    waiting: &Waiting,
    whole: &Receiver<()>,
) -> Result<(), Violation> {
    for (what, results) in [("send", &waiting.sent), ("request", &waiting.answered)] {
        for _ in 0..EACH {
            let told = world.within(B::PATIENCE, RULE, what, results.recv()).await?;
            RULE.expect(what, RULE.expect(what, told)?)?;
        }
    }
    // A sender is told when its body was read, a moment before that is noted.
    let what = || format!("{} bodies came whole, once each", whole.len());
    world.eventually(RULE, what, || whole.len() >= 2 * EACH).await?;
    RULE.ensure(whole.len() == 2 * EACH, what)
}
