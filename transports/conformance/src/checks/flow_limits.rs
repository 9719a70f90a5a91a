//! What happens at the limits: offers that find no room, and receivers that hold up others.

use std::{sync::Arc, time::Duration};

use conduit::{Binding, Body, Error, ErrorKind, Executed};
use futures_lite::future;

use crate::{
    Broker, Guarantee, Number, Violation, World,
    odd::Odd,
    pattern::Pattern,
    reading::Reading,
    way::{JOIN_WINDOW, patient},
};

const RULE: Guarantee = Guarantee::FlowControl;
const COUNT: u64 = 100;
const FIRST_WINDOW: u64 = 64 << 10;
/// Room for the first windows of half of them, where one sends them all: a third of what is for first
/// windows, which is half.
const BUDGET: u64 = (COUNT / 2 * 6 - 4) * FIRST_WINDOW;
const LENGTH: u64 = 200_000;

/// G9, G15: an offer that finds no room in the budget is refused, and its sender is told that no
/// handler was executed; the others arrive whole.
///
/// # Errors
/// What does not hold.
pub async fn offers_without_room_are_refused<B: Broker>(
    world: Arc<World<B>>,
) -> Result<(), Violation> {
    let sender = patient(&world, "sender").await;
    let receiver = world.builder("receiver").await.body_budget(BUDGET);
    let receiver = RULE.expect("build", receiver.build())?;
    let mut binding = RULE.expect("bind", receiver.bind("bodies").await)?;
    let (results, sent) = async_channel::unbounded();
    for seed in 0..COUNT {
        let body = Body::reader(Odd::fast(Pattern::new(seed, LENGTH)));
        let sending = sender.service("receiver").send_body("bodies", body);
        let sending = sending.header("seed", seed.to_string()).expect(1);
        let results = results.clone();
        world.spawn(async move {
            results.send(sending.await.map(drop)).await.ok();
        });
    }
    let mut readings = Vec::new();
    for _ in 0..COUNT / 2 {
        readings.push(next(&mut binding).await?);
        is_within(receiver.stats().incoming_bytes)?;
    }
    for _ in 0..COUNT / 2 {
        let refused = sent.recv().await.expect("the channel is open");
        let as_it_should = |error: &Error| {
            error.kind() == ErrorKind::Overloaded && error.executed() == Executed::No
        };
        RULE.ensure(refused.as_ref().is_err_and(as_it_should), || {
            format!("not refused: {refused:?}")
        })?;
    }
    for reading in readings {
        is_within(receiver.stats().incoming_bytes)?;
        reading.whole().await?;
        let result = sent.recv().await.expect("the channel is open");
        RULE.expect("send", result)?;
    }
    Ok(())
}

/// G2, G9: what a queue group refuses for want of room is offered again, and arrives in the end.
///
/// # Errors
/// What does not hold.
pub async fn a_group_gets_what_it_had_no_room_for<B: Broker>(
    world: Arc<World<B>>,
) -> Result<(), Violation> {
    const PATIENCE: Duration = Duration::from_secs(100);
    let sender = world.builder("sender").await.send_timeout(PATIENCE);
    let sender = RULE.expect("build", sender.build())?;
    let receiver = world.builder("receiver").await.body_budget(4 * FIRST_WINDOW);
    let receiver = RULE.expect("build", receiver.build())?;
    let mut binding = RULE.expect("bind", receiver.queue_bind("bodies").await)?;
    let mut sent = Vec::new();
    for seed in 0..COUNT / 5 {
        let body = Body::reader(Odd::fast(Pattern::new(seed, LENGTH)));
        let sending = sender.service("receiver").send_body("bodies", body);
        let sending = sending.header("seed", seed.to_string());
        sent.push(world.run(async move { sending.await.map(drop) }));
    }
    for _ in 0..COUNT / 5 {
        next(&mut binding).await?.whole().await?;
    }
    for sent in sent {
        RULE.expect("send", sent.await)?;
    }
    Ok(())
}

fn is_within(held: u64) -> Result<(), Violation> {
    RULE.ensure(held <= BUDGET, || format!("{held} bytes are held, and the budget is {BUDGET}"))
}

async fn next(binding: &mut Binding<Number>) -> Result<Reading, Violation> {
    let message = binding.next().await.expect("it is bound");
    let seed = message.headers().get("seed").unwrap_or_default().parse();
    let pattern = Pattern::new(RULE.expect("parse the seed", seed)?, LENGTH);
    let body = RULE.expect("take the body", message.take_body())?;
    Ok(Reading::new(body, pattern))
}

/// G9: of two broadcasts that cross, each waits for a receiver that first reads the other. Both
/// end: whoever holds up another receiver for longer than the lag limit is left behind, and told.
///
/// # Errors
/// What does not hold.
pub async fn broadcasts_that_cross_both_end<B: Broker>(
    world: Arc<World<B>>,
) -> Result<(), Violation> {
    const LAG_LIMIT: Duration = Duration::from_millis(300);
    const LENGTH: u64 = 8 << 20;
    let patterns = [Pattern::new(1, LENGTH), Pattern::new(2, LENGTH)];
    let mut readers = Vec::new();
    // Both bind to both; one reads the first body first, the other the second.
    for order in [[0, 1], [1, 0]] {
        let conduit = world.conduit("receiver").await;
        let first = RULE.expect("bind", conduit.bind(format!("news.{}", order[0])).await)?;
        let second = RULE.expect("bind", conduit.bind(format!("news.{}", order[1])).await)?;
        readers.push(world.run(async move {
            let mut results = Vec::new();
            for (mut binding, number) in [(first, order[0]), (second, order[1])] {
                let message = binding.next().await.expect("it is bound");
                let body = RULE.expect("take the body", message.take_body())?;
                let mut reading = Reading::new(body, patterns[number]);
                let result = loop {
                    match reading.some().await? {
                        Ok(0) => break Ok(()),
                        Ok(_) => {}
                        Err(error) => break Err(error.kind()),
                    }
                };
                results.push(result);
            }
            drop(conduit);
            Ok::<_, Violation>(results)
        }));
    }
    let mut senders = Vec::new();
    for (number, pattern) in patterns.into_iter().enumerate() {
        let sender = world.builder("sender").await.join_window(JOIN_WINDOW);
        let sender = sender.lag_limit(LAG_LIMIT);
        let sender = RULE.expect("build", sender.build())?;
        let body = Body::reader(Odd::fast(pattern));
        let sending = sender.service("receiver");
        let sending = sending.send_body(format!("news.{number}"), body).expect(2);
        senders.push(world.run(sending));
    }
    let (mut completed, mut lagged) = (0, 0);
    for sender in senders {
        let delivery = RULE.expect("send", sender.await)?;
        completed += delivery.completed().len();
        for failed in delivery.failed() {
            RULE.ensure(failed.error.kind() == ErrorKind::Lagged, || {
                format!("wanted `Lagged`, got {:?}", failed.error)
            })?;
            lagged += 1;
        }
    }
    let (one, other) = (readers.remove(0), readers.remove(0));
    let (one, other) = future::zip(one, other).await;
    let results: Vec<_> = one?.into_iter().chain(other?).collect();
    let whole = results.iter().filter(|result| result.is_ok()).count();
    let told = |result: &&Result<(), ErrorKind>| **result == Err(ErrorKind::Lagged);
    let told = results.iter().filter(told).count();
    let agree = whole == completed && told == lagged && whole + told == 4;
    RULE.ensure(agree && lagged > 0, || {
        format!("{completed} completed and {lagged} lagged, and the readers say {results:?}")
    })
}

/// G9: when nobody can join any more, what was kept for those who might have is released, and the
/// source is taken from again at once: not only when the receiver next shows that it is alive.
///
/// # Errors
/// What does not hold.
pub async fn the_end_of_the_join_window_lets_the_source_go_on<B: Broker>(
    world: Arc<World<B>>,
) -> Result<(), Violation> {
    const FOR_EVER: Duration = Duration::from_secs(600);
    // Nobody says that it is alive while this check lasts, and nothing is sent again.
    let sender = world.builder("sender").await.idle_limit(FOR_EVER);
    let sender = RULE.expect("build", sender.build())?;
    let receiver = world.builder("receiver").await.idle_limit(FOR_EVER);
    let receiver = RULE.expect("build", receiver.build())?;
    let mut binding = RULE.expect("bind", receiver.bind("bodies").await)?;
    let pattern = Pattern::new(3, 4 << 20);
    let body = Body::reader(Odd::fast(pattern));
    let sending = sender.service("receiver").send_body("bodies", body);
    let sent = world.run(sending);
    let message = binding.next().await.expect("it is bound");
    let body = RULE.expect("take the body", message.take_body())?;
    let reading = Reading::new(body, pattern).whole();
    let limit = Duration::from_secs(60);
    world.within(limit, RULE, "the producer is not taken from", reading).await??;
    RULE.expect("send", sent.await).map(drop)
}
