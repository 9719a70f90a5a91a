//! The pace of a reader limits its sender, and what is held is bounded.

use std::sync::Arc;

use conduit::{Body, Conduit};
use futures_lite::future;

use crate::{
    Broker, Guarantee, Number, Violation, World,
    odd::{Given, Odd},
    pattern::Pattern,
    way::{Direction, Way},
};

const RULE: Guarantee = Guarantee::FlowControl;
const CHUNK: u64 = 16 << 10;
const FIRST_WINDOW: u64 = 64 << 10;
const WINDOW: u64 = 1 << 20;
const LENGTH: u64 = 8 << 20;

/// G7, G9: while a reader takes nothing, its sender stops at the window; then the reader goes on,
/// and all arrives.
///
/// # Errors
/// What does not hold.
pub async fn a_reader_that_takes_nothing_stops_its_sender<B: Broker>(
    world: Arc<World<B>>,
) -> Result<(), Violation> {
    for direction in Direction::ALL {
        let mut way = Way::new(&world, direction).await?;
        let pattern = Pattern::new(1, LENGTH);
        let odd = Odd::fast(pattern);
        let given = odd.given();
        let mut transfer = way.begin(Body::reader(odd)).await;
        let (mut reading, message) = transfer.reading(pattern)?;
        let gave = given.clone();
        world
            .eventually(
                RULE,
                || "the sender does not fill its window".to_owned(),
                || gave.get() >= WINDOW,
            )
            .await?;
        // A sender that did not stop would go on while all this comes and goes.
        stir(&way.sender, &way.receiver).await?;
        RULE.ensure(given.get() <= WINDOW + FIRST_WINDOW + CHUNK, || {
            format!("{} bytes were taken from the producer", given.get())
        })?;
        is_bounded(&way.sender, &way.receiver, 1)?;

        // It begins, and stops once more.
        reading.until(CHUNK).await?;
        stir(&way.sender, &way.receiver).await?;
        is_ahead(&given, reading.at())?;
        is_bounded(&way.sender, &way.receiver, 1)?;
        reading.whole().await?;
        transfer.ends_well(message).await?;
    }
    Ok(())
}

/// G9: however fast a producer is, it is never taken from further ahead of a slow reader than both
/// windows together.
///
/// # Errors
/// What does not hold.
pub async fn a_slow_reader_limits_a_fast_source<B: Broker>(
    world: Arc<World<B>>,
) -> Result<(), Violation> {
    for direction in Direction::ALL {
        let mut way = Way::new(&world, direction).await?;
        let pattern = Pattern::new(2, LENGTH);
        let odd = Odd::fast(pattern);
        let given = odd.given();
        let mut transfer = way.begin(Body::reader(odd)).await;
        let (mut reading, message) = transfer.reading(pattern)?;
        while reading.at() < LENGTH {
            let goal = LENGTH.min(reading.at() + CHUNK);
            let read = reading.at();
            is_ahead(&given, read)?;
            reading.until(goal).await?;
            future::yield_now().await;
            is_bounded(&way.sender, &way.receiver, 1)?;
        }
        reading.whole().await?;
        transfer.ends_well(message).await?;
    }
    Ok(())
}

/// G9, G15: a hundred readers that take nothing hold no more than the conduit's budget, and so do a
/// hundred that have begun; then all of them get everything.
///
/// # Errors
/// What does not hold.
pub async fn many_readers_stay_within_the_budget<B: Broker>(
    world: Arc<World<B>>,
) -> Result<(), Violation> {
    const COUNT: u64 = 100;
    const BUDGET: u64 = 48 << 20;
    const LENGTH: u64 = 512 << 10;
    let mut way = Way::new(&world, Direction::Send).await?;
    let mut begun = Vec::new();
    for seed in 0..COUNT {
        let pattern = Pattern::new(seed, LENGTH);
        let mut transfer = way.begin(Body::reader(Odd::fast(pattern))).await;
        let (reading, message) = transfer.reading(pattern)?;
        begun.push((reading, message, transfer));
    }
    stir(&way.sender, &way.receiver).await?;
    let within = || {
        is_bounded(&way.sender, &way.receiver, COUNT)?;
        let held = way.receiver.stats().incoming_bytes;
        RULE.ensure(held <= BUDGET, || format!("{held} bytes are held, and the budget is {BUDGET}"))
    };
    within()?;
    for (reading, _, _) in &mut begun {
        reading.until(CHUNK).await?;
        within()?;
    }
    stir(&way.sender, &way.receiver).await?;
    within()?;
    for (reading, message, transfer) in begun {
        reading.whole().await?;
        transfer.ends_well(message).await?;
        within()?;
    }
    Ok(())
}

/// The bytes that are held at both sides of some bodies stay within their windows.
fn is_bounded(
    sender: &Conduit<Number>,
    receiver: &Conduit<Number>,
    bodies: u64,
) -> Result<(), Violation> {
    let limit = bodies * (WINDOW + CHUNK);
    let sent = sender.stats().outgoing_bytes;
    let received = receiver.stats().incoming_bytes;
    RULE.ensure(sent <= limit && received <= limit, || {
        format!("{sent} and {received} bytes are held, and the limit is {limit}")
    })
}

fn is_ahead(given: &Given, read: u64) -> Result<(), Violation> {
    const LIMIT: u64 = 2 * WINDOW + CHUNK;
    let ahead = given.get() - read;
    RULE.ensure(ahead <= LIMIT, || {
        format!("{ahead} bytes ahead of the reader, and the limit is {LIMIT}")
    })
}

/// Has packets go to and fro, so that whatever is on its way has time to arrive.
async fn stir(one: &Conduit<Number>, other: &Conduit<Number>) -> Result<(), Violation> {
    const ROUNDS: u64 = 50;
    let bound = RULE.expect("bind", other.queue_bind("stir").await)?;
    let worker = bound.to(|message| async move { message.reply_body(()).await });
    for round in 0..ROUNDS {
        let asking = one.service(other.name().clone()).request("stir", &round);
        RULE.expect("request", asking.no_timeout().await)?;
    }
    worker.unbind().await;
    Ok(())
}
