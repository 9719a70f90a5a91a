//! When a binding begins to take messages, and what it does when they come too fast.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use conduit::{Client, Error};
use futures_lite::future;

use crate::{Broker, Guarantee, Number, Violation, World};

/// G6: what anyone sends after `bind` has returned arrives, every time.
///
/// # Errors
/// What does not hold.
pub async fn what_is_sent_after_bind_arrives<B: Broker>(
    world: Arc<World<B>>,
) -> Result<(), Violation> {
    let rule = Guarantee::Binding;
    let sender = world.conduit("sender").await;
    let receiver = world.conduit("receiver").await;
    let news = sender.service("receiver");
    for round in 0..1_000 {
        let subject = ["news", "news.daily"][usize::from(round % 2 == 1)];
        let bound = match round % 3 {
            0 => receiver.queue_bind(subject).await,
            1 => receiver.bind_once(subject).await,
            _ => receiver.bind(subject).await,
        };
        let mut binding = rule.expect("bind", bound)?;
        rule.expect("send", news.send(subject, &round).await)?;
        let what = format!("the message sent after bind number {round}");
        let message = world.within(B::PATIENCE, rule, &what, binding.next()).await?;
        let message = message.ok_or_else(|| Violation::new(rule, "the binding ended"))?;
        let got: u64 = rule.expect("decode", message.decode().await)?;
        rule.ensure(got == round, || format!("wanted {round}, got {got}"))?;
        // One that is only dropped may still be routed to, and give back to the group what comes.
        let unbind = binding.unbind();
        world.within(B::PATIENCE, rule, "unbind", unbind).await?;
    }
    Ok(())
}

/// Of 100,000 messages sent to a binding that is slow at times, those that it received and those
/// that it counted as lost are all; meanwhile the rest of the conduit works.
///
/// # Errors
/// What does not hold.
pub async fn what_a_full_binding_loses_is_counted<B: Broker>(
    world: Arc<World<B>>,
) -> Result<(), Violation> {
    const COUNT: u64 = 100_000;
    let rule = Guarantee::FlowControl;
    let sender = world.conduit("sender").await;
    let receiver = world.conduit("receiver").await;
    let received = Arc::new(AtomicU64::new(0));
    let (open, gate) = async_channel::bounded::<()>(1);
    let flooded = rule.expect("bind", receiver.bind("flood").await)?.to({
        let (world, received) = (Arc::clone(&world), Arc::clone(&received));
        move |_| {
            let (world, gate) = (Arc::clone(&world), gate.clone());
            let number = received.fetch_add(1, Ordering::Relaxed);
            async move {
                if number == 0 {
                    gate.recv().await.ok();
                } else if number.is_multiple_of(1_000) {
                    world.pause(Duration::from_millis(1)).await;
                }
            }
        }
    });
    let echo = rule.expect("queue_bind", receiver.queue_bind("echo").await)?;
    echo.to(|message| async move { message.reply(&message.decode::<u64>().await?).await });
    let flood = world.run(flood(sender.service("receiver"), COUNT));
    for number in 0..20_u64 {
        let asked = sender.service("receiver").request("echo", &number);
        let reply = Guarantee::Isolation
            .expect("ask beside the flood", asked.timeout(B::PATIENCE).await)?;
        Guarantee::Isolation.expect("decode", reply.decode::<u64>().await)?;
    }
    let what = || "a stuck binding did not fill".to_owned();
    world.eventually(rule, what, || flooded.lost() > 0).await?;
    open.try_send(()).ok();
    rule.expect("send", flood.await)?;
    let counts = || (received.load(Ordering::Relaxed), flooded.lost());
    let what = || format!("of {COUNT} sent, received and lost are {:?}", counts());
    let all = || counts().0 + counts().1 == COUNT;
    world.eventually(rule, what, all).await?;
    flooded.unbind().await;
    rule.ensure(all(), what)?;
    let lost = receiver.stats().lost_messages;
    rule.ensure(lost == flooded.lost(), || {
        format!("the conduit counts {lost}, the binding {}", flooded.lost())
    })
}

/// Sends numbers as fast as they go.
async fn flood(receiver: Client<Number>, count: u64) -> Result<(), Error> {
    for number in 0..count {
        receiver.send("flood", &number).await?;
        if number.is_multiple_of(64) {
            future::yield_now().await;
        }
    }
    Ok(())
}

/// A loop that naps between its messages takes less than comes: what does not fit its binding is
/// counted soon, and not left where nobody counts it.
///
/// # Errors
/// What does not hold.
pub async fn what_a_napping_reader_loses_is_counted<B: Broker>(
    world: Arc<World<B>>,
) -> Result<(), Violation> {
    const COUNT: u64 = 40_000;
    const AT_ONCE: u64 = 20;
    const NAP: Duration = Duration::from_millis(5);
    let rule = Guarantee::FlowControl;
    let sender = world.conduit("sender").await;
    let receiver = world.conduit("receiver").await;
    let mut binding = rule.expect("bind", receiver.bind("flood").await)?;
    let flood = world.run(flood(sender.service("receiver"), COUNT));
    let mut received = 0;
    while received + binding.lost() < COUNT {
        let next = world.within(B::PATIENCE, rule, "the next message", binding.next());
        let message = next.await?.ok_or_else(|| Violation::new(rule, "the binding ended"))?;
        rule.expect("decode", message.decode::<u64>().await)?;
        received += 1;
        if received.is_multiple_of(AT_ONCE) {
            world.pause(NAP).await;
        }
    }
    rule.expect("flood", flood.await)?;
    let lost = binding.lost();
    rule.ensure(lost > 0, || format!("it was never full, and took {received} in its own time"))?;
    let counted = (received + lost, binding.waiting()) == (COUNT, 0);
    rule.ensure(counted, || format!("{received} received and {lost} lost, of {COUNT}"))
}
