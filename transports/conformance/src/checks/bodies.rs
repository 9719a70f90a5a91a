//! Bodies of every size arrive whole, wherever they come from.

use std::sync::Arc;

use conduit::Body;
use futures_lite::future;

use crate::{
    Broker, Guarantee, Violation, World,
    odd::Odd,
    pattern::Pattern,
    reading::Reading,
    way::{Direction, Way, patient},
};

const CHUNK: u64 = 16 << 10;
const MIB: u64 = 1 << 20;

/// G7, G8: bodies of 0 bytes to 1 MiB that are sent, from bytes and from readers and streams of
/// known and unknown length that give odd pieces, arrive byte by byte.
///
/// # Errors
/// What does not hold.
pub async fn bodies_arrive_whole_when_sent<B: Broker>(
    world: Arc<World<B>>,
) -> Result<(), Violation> {
    sizes_and_sources(&world, Direction::Send).await
}

/// G7, G8: the same in requests.
///
/// # Errors
/// What does not hold.
pub async fn bodies_arrive_whole_in_requests<B: Broker>(
    world: Arc<World<B>>,
) -> Result<(), Violation> {
    sizes_and_sources(&world, Direction::Request).await
}

/// G7, G8: the same in replies.
///
/// # Errors
/// What does not hold.
pub async fn bodies_arrive_whole_in_replies<B: Broker>(
    world: Arc<World<B>>,
) -> Result<(), Violation> {
    sizes_and_sources(&world, Direction::Reply).await
}

async fn sizes_and_sources<B: Broker>(
    world: &Arc<World<B>>,
    direction: Direction,
) -> Result<(), Violation> {
    let sources: [fn(Pattern) -> Body; 6] = [
        |pattern| Body::from(pattern.bytes()),
        |pattern| Body::reader(Odd::new(pattern)),
        |pattern| Body::reader(Odd::late(pattern)),
        |pattern| Body::sized_reader(Odd::new(pattern), pattern.length()),
        |pattern| Body::stream(Odd::new(pattern)),
        |pattern| Body::sized_stream(Odd::fast(pattern), pattern.length()),
    ];
    let mut way = Way::new(world, direction).await?;
    let mut seed = 0;
    for size in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, MIB] {
        for source in sources {
            seed += 1;
            let pattern = Pattern::new(seed, size);
            way.carries(source(pattern), pattern).await?;
        }
    }
    Ok(())
}

/// G7, G8: a body of 64 MiB that is sent arrives byte by byte.
///
/// # Errors
/// What does not hold.
pub async fn a_large_body_arrives_whole_when_sent<B: Broker>(
    world: Arc<World<B>>,
) -> Result<(), Violation> {
    let pattern = Pattern::new(1, 64 * MIB);
    let mut way = Way::new(&world, Direction::Send).await?;
    way.carries(Body::reader(Odd::new(pattern)), pattern).await
}

/// G7, G8: one in a request does.
///
/// # Errors
/// What does not hold.
pub async fn a_large_body_arrives_whole_in_a_request<B: Broker>(
    world: Arc<World<B>>,
) -> Result<(), Violation> {
    let pattern = Pattern::new(2, 64 * MIB);
    let mut way = Way::new(&world, Direction::Request).await?;
    let body = Body::sized_reader(Odd::fast(pattern), pattern.length());
    way.carries(body, pattern).await
}

/// G7, G8: one in a reply does.
///
/// # Errors
/// What does not hold.
pub async fn a_large_body_arrives_whole_in_a_reply<B: Broker>(
    world: Arc<World<B>>,
) -> Result<(), Violation> {
    let pattern = Pattern::new(3, 64 * MIB);
    let mut way = Way::new(&world, Direction::Reply).await?;
    way.carries(Body::stream(Odd::new(pattern)), pattern).await
}

/// G1, G3, G7: a body reaches the `bind`s of three instances and one of a queue group, whole at
/// each, and the sender is told of all four.
///
/// # Errors
/// What does not hold.
pub async fn one_body_reaches_binds_and_a_group_whole<B: Broker>(
    world: Arc<World<B>>,
) -> Result<(), Violation> {
    let rule = Guarantee::Broadcast;
    let pattern = Pattern::new(4, 8 * MIB);
    let sender = patient(&world, "sender").await;
    let (reports, readings) = async_channel::unbounded();
    let mut conduits = Vec::new();
    for _ in 0..3 {
        let conduit = world.conduit("receiver").await;
        let plain = rule.expect("bind", conduit.bind("bodies").await)?;
        let queue = rule.expect("bind", conduit.queue_bind("bodies").await)?;
        for (binding, kind) in [(plain, "plain"), (queue, "queue")] {
            let reports = reports.clone();
            binding.to(move |message| {
                let reports = reports.clone();
                async move {
                    let body = message.take_body()?;
                    let result = Reading::new(body, pattern).whole().await;
                    reports.send((kind, result)).await.ok();
                    Ok::<_, conduit::Error>(())
                }
            });
        }
        conduits.push(conduit);
    }
    let body = Body::reader(Odd::new(pattern));
    let sending = sender.service("receiver").send_body("bodies", body);
    let delivery = rule.expect("send", sending.expect(3).await)?;
    let (completed, failed) = (delivery.completed(), delivery.failed());
    rule.ensure(completed.len() == 4 && failed.is_empty(), || {
        format!("completed {completed:?}, failed {failed:?}")
    })?;
    for conduit in &conduits {
        let instance = conduit.instance();
        rule.ensure(completed.contains(&instance), || format!("{instance} is not named"))?;
    }
    let mut queued = 0;
    for _ in 0..4 {
        let (kind, result) = readings.recv().await.expect("handlers keep the sender");
        result?;
        queued += usize::from(kind == "queue");
    }
    rule.ensure(queued == 1, || format!("the group took it {queued} times"))
}

/// G7: what a producer has given is there to be read while the producer waits.
///
/// # Errors
/// What does not hold.
pub async fn a_source_that_waits_holds_nothing_back<B: Broker>(
    world: Arc<World<B>>,
) -> Result<(), Violation> {
    let mut seed = 10;
    for direction in Direction::ALL {
        let mut way = Way::new(&world, direction).await?;
        for given in [100, 3 * CHUNK + 1] {
            seed += 1;
            let pattern = Pattern::new(seed, MIB);
            let (gate, odd) = Odd::new(pattern).waits(given);
            let mut transfer = way.begin(Body::reader(odd)).await;
            let (mut reading, message) = transfer.reading(pattern)?;
            reading.until(given).await?;
            drop(gate);
            reading.whole().await?;
            transfer.ends_well(message).await?;
        }
    }
    Ok(())
}

/// G7: fifty bodies at once between the same two conduits arrive, each with its own bytes.
///
/// # Errors
/// What does not hold.
pub async fn many_bodies_at_once_arrive_whole<B: Broker>(
    world: Arc<World<B>>,
) -> Result<(), Violation> {
    const COUNT: u64 = 50;
    let rule = Guarantee::Bodies;
    let sender = patient(&world, "sender").await;
    let receiver = world.conduit("receiver").await;
    let mut binding = rule.expect("bind", receiver.bind("bodies").await)?;
    let mut sent = Vec::new();
    for seed in 0..COUNT {
        let pattern = Pattern::new(seed, MIB);
        let body = Body::reader(Odd::new(pattern));
        let sending = sender.service("receiver").send_body("bodies", body);
        let sending = sending.header("seed", seed.to_string()).expect(1);
        sent.push(world.run(async move { sending.await.map(drop) }));
    }
    let mut readings = Vec::new();
    for _ in 0..COUNT {
        let message = binding.next().await.expect("it is bound");
        let seed = message.headers().get("seed").unwrap_or_default().parse();
        let pattern = Pattern::new(rule.expect("parse the seed", seed)?, MIB);
        let body = rule.expect("take the body", message.take_body())?;
        readings.push(world.run(Reading::new(body, pattern).whole()));
    }
    for (sent, read) in sent.into_iter().zip(readings) {
        let (sent, read) = future::zip(sent, read).await;
        read?;
        rule.expect("send", sent)?;
    }
    Ok(())
}
