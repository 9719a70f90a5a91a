//! Peers that take what they can get, and others that need some of it.

use std::{sync::Arc, time::Duration};

use conduit::{Conduit, Delivery, Error};

use crate::{
    Broker, Guarantee, Number, Violation, World, greedy::Greedy, pattern::Pattern, wire::Wire,
};

const RULE: Guarantee = Guarantee::Isolation;
/// So that all of them together are within its share.
const LENGTH: u64 = 40_000;
/// Of the honest sender, at the same time.
const STREAMS: u64 = 50;
const SERVICE: &str = "receiver";
/// Ports are given in the order of the bindings.
const PORT: u64 = 1;

/// One source offers 600 bodies, confirms none of them or all, and gives signs of life for each. It
/// holds no more than its share, all streams of another sender arrive, in the same binding as well,
/// and when it falls silent it holds nothing.
///
/// # Errors
/// What does not hold.
pub async fn one_peer_cannot_take_it_all<B: Broker>(world: Arc<World<B>>) -> Result<(), Violation> {
    const OFFERS: u64 = 600;
    const FIRST_WINDOW: u64 = 64 << 10;
    /// A quarter of what a binding has room for; or a third of what bodies may be sent at first, and
    /// the one that goes beyond. Windows of those that are confirmed grow, by a third of the rest.
    const MOST: [(usize, u64); 2] = [(128, 8 << 20), (129, (16 << 20) + FIRST_WINDOW)];
    for (confirms, most) in [false, true].into_iter().zip(MOST) {
        let receiver = receiver(&world).await?;
        let wire = Wire::connect(&*world, RULE).await;
        let peer = Greedy::new(&wire, &receiver, "peer");
        for offers in 0..2 {
            let offers = offers * OFFERS / 2..(offers + 1) * OFFERS / 2;
            for number in offers.clone() {
                peer.offer("same", number).await?;
            }
            let bodies = || receiver.stats().incoming_bodies;
            let what = || format!("it has got {} bodies", bodies());
            world.eventually(RULE, what, || bodies() >= 128).await?;
            for number in offers.filter(|_| confirms) {
                peer.confirm(PORT, number).await?;
            }
            wire.flush().await?;
            settle(&world, &receiver).await?;
        }
        holds(&receiver, most)?;
        let sending = send_all(&world).await?;
        for number in 0..OFFERS {
            peer.ping(number).await?;
        }
        for delivery in sending {
            arrived(world.within(B::PATIENCE, RULE, "a stream", delivery).await?, &receiver)?;
        }
        holds_soon(&world, &receiver, most).await?;
        let held = || (receiver.stats().incoming_bodies, receiver.stats().incoming_bytes);
        let what = || format!("(bodies, bytes) held of a peer that is silent: {:?}", held());
        world.eventually(RULE, what, || held() == (0, 0)).await?;
    }
    Ok(())
}

/// 4,000 offers under as many names hold no more than a quarter, and streams of an honest sender
/// arrive: at once in another binding, and after some refusals in the same one.
///
/// # Errors
/// What does not hold.
pub async fn made_up_names_shut_nobody_out<B: Broker>(
    world: Arc<World<B>>,
) -> Result<(), Violation> {
    const NAMES: u64 = 4000;
    let receiver = receiver(&world).await?;
    let wire = Wire::connect(&*world, RULE).await;
    let mut sending = Vec::new();
    for number in 0..NAMES {
        let peer = Greedy::new(&wire, &receiver, &format!("peer-{number}"));
        peer.offer("same", number).await?;
        if number == NAMES / 2 {
            wire.flush().await?;
            sending = send_all(&world).await?;
        }
    }
    for delivery in sending {
        arrived(world.within(B::PATIENCE, RULE, "a stream", delivery).await?, &receiver)?;
    }
    settle(&world, &receiver).await?;
    holds_soon(&world, &receiver, (128, 8 << 20)).await
}

/// A conduit that handles whatever comes, however many bodies it has to wait for.
async fn receiver<B: Broker>(world: &World<B>) -> Result<Conduit<Number>, Violation> {
    const SHORT: Duration = Duration::from_secs(3);
    let builder = world.builder(SERVICE).await.send_timeout(SHORT).idle_limit(SHORT);
    let receiver = RULE.expect("build", builder.build())?;
    let same = RULE.expect("queue_bind", receiver.queue_bind("same").await)?;
    let other = RULE.expect("bind", receiver.bind("other").await)?;
    for bound in [same, other] {
        bound.concurrency(1024).to(|message| async move { message.to_bytes().await.map(drop) });
    }
    Ok(receiver)
}

type Sending = std::pin::Pin<Box<dyn Future<Output = Result<Delivery, Error>> + Send>>;

/// Sends to the same binding as the others, and to another one, which is asked once.
async fn send_all<B: Broker>(world: &Arc<World<B>>) -> Result<Vec<Sending>, Violation> {
    let sender = world.patient_conduit("sender").await;
    let mut sending = Vec::new();
    for number in 0..STREAMS {
        for (subject, plain) in [("same", 0), ("other", 1)] {
            let body = Pattern::new(number, LENGTH).bytes();
            let sent = sender.service(SERVICE).send_body(subject, body).expect(plain);
            sending.push(Box::pin(world.run(sent)) as Sending);
        }
    }
    Ok(sending)
}

fn arrived(delivery: Result<Delivery, Error>, receiver: &Conduit<Number>) -> Result<(), Violation> {
    let delivery = RULE.expect("an honest sender's stream", delivery)?;
    let right = delivery.failed().is_empty()
        && delivery.completed().iter().all(|instance| *instance == receiver.instance());
    RULE.ensure(right, || format!("{delivery:?}"))
}

/// What was published before has come.
async fn settle<B: Broker>(world: &World<B>, receiver: &Conduit<Number>) -> Result<(), Violation> {
    let asker = world.conduit("settling").await;
    let bound = RULE.expect("queue_bind", receiver.queue_bind("settle").await)?;
    let worker = bound.to(|message| async move { message.reply_body(()).await });
    let asked = asker.service(SERVICE).request("settle", &0);
    RULE.expect("ask", asked.await)?;
    worker.unbind().await;
    Ok(())
}

fn holds(receiver: &Conduit<Number>, (bodies, bytes): (usize, u64)) -> Result<(), Violation> {
    let stats = receiver.stats();
    RULE.ensure(stats.incoming_bodies <= bodies && stats.incoming_bytes <= bytes, || {
        format!("{bodies} bodies of {bytes} bytes may be held: {stats:?}")
    })
}

/// Waits until it holds no more: the last stream is given back a moment after its sender is told.
async fn holds_soon<B: Broker>(
    world: &World<B>,
    receiver: &Conduit<Number>,
    most: (usize, u64),
) -> Result<(), Violation> {
    let what = || format!("{most:?} may be held: {:?}", receiver.stats());
    world.eventually(RULE, what, || holds(receiver, most).is_ok()).await
}
