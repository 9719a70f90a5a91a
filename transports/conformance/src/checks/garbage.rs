//! Packets that no conduit has made.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use conduit::{
    Conduit,
    proto::frame::Frame,
    transport::{Address, Targets},
};
use fastrand::Rng;
use futures_lite::future;

use crate::{
    Broker, Guarantee, Number, Violation, World,
    forgery::{every_frame, forgeries, mutate},
    quiet::Quiet,
    wire::Wire,
};

const RULE: Guarantee = Guarantee::Errors;

/// G18: a packet with an invalid name in it, of an unknown version or type, or with lengths that
/// are not right, is ignored and counted.
///
/// # Errors
/// What does not hold.
pub async fn forged_packets_are_counted<B: Broker>(world: Arc<World<B>>) -> Result<(), Violation> {
    let receiver = world.conduit("receiver").await;
    let mut binding = RULE.expect("bind", receiver.bind("noise").await)?;
    let forger = Wire::connect(&world, RULE).await;
    let addresses = addresses(&receiver);
    let mut sent = 0;
    for to in &addresses {
        for forgery in forgeries() {
            forger.publish(to, forgery).await?;
            sent += 1;
        }
    }
    let counted = || receiver.stats().invalid_packets;
    let what = || format!("of {sent} invalid packets, {} are counted", counted());
    world.eventually(RULE, what, || counted() >= sent).await?;
    let sender = world.conduit("sender").await;
    let service = sender.service("receiver");
    RULE.expect("send", service.send("noise", &1).await)?;
    let message = world.within(B::PATIENCE, RULE, "a message", binding.next()).await?;
    let number = match &message {
        Some(message) => message.decode::<u64>().await.ok(),
        None => None,
    };
    RULE.ensure(number == Some(1), || format!("a forged packet reached a binding as {message:?}"))?;
    RULE.ensure(counted() == sent, what)
}

/// 100,000 random and mutated packets at everything that a conduit listens to: it lives, answers,
/// and holds no more than before.
///
/// # Errors
/// What does not hold.
pub async fn garbage_is_survived<B: Broker>(world: Arc<World<B>>) -> Result<(), Violation> {
    const COUNT: u32 = 100_000;
    const SEED: u64 = 2_026;
    let builder = world.builder("receiver").await;
    // What a forged offer holds is given up after it.
    let builder = builder.idle_limit(Duration::from_millis(300));
    let receiver = RULE.expect("build", builder.build())?;
    for subject in ["noise", "echo"] {
        let bound = receiver.bind(subject).await;
        RULE.expect("bind", bound)?
            .to(|message| async move { message.reply_body(message.take_body()?).await });
    }
    let asker = world.conduit("asker").await;
    let asked = || asker.service("receiver").request("echo", &7).timeout(B::PATIENCE);
    RULE.expect("ask before the garbage", asked().await)?;
    let quiet = Quiet::of(&*world, [&receiver]).await?;
    let forger = Wire::connect(&world, RULE).await;
    let addresses = addresses(&receiver);
    let frames: Vec<_> = every_frame(&receiver).iter().map(Frame::encode).collect();
    let mut rng = Rng::with_seed(SEED);
    for count in 0..COUNT {
        let packet = garbage(&mut rng, &frames);
        let to = rng.choice(&addresses);
        forger.publish(to.unwrap_or(&addresses[0]), packet).await?;
        if count % 64 == 0 {
            future::yield_now().await;
        }
        if count % 10_000 == 0 {
            RULE.expect("ask amid the garbage", asked().await)?;
        }
    }
    forger.flush().await?;
    RULE.expect("ask after the garbage", asked().await)?;
    let counted = || receiver.stats().invalid_packets;
    let what = || format!("of {COUNT} packets, most of them invalid, {} are counted", counted());
    world.eventually(RULE, what, || counted() > u64::from(COUNT) / 4).await?;
    quiet.returns(&world).await
}

/// A packet that is random, or was right before something in it was changed.
fn garbage(rng: &mut Rng, frames: &[Bytes]) -> Bytes {
    match rng.choice(frames) {
        Some(frame) if rng.u8(..8) > 0 => mutate(rng, frame),
        _ => {
            let length = rng.usize(..200);
            (0..length).map(|_| rng.u8(..)).collect()
        }
    }
}

/// Everything that a conduit with a binding of `noise` listens to.
fn addresses(conduit: &Conduit<Number>) -> [Address; 3] {
    let service = || conduit.name().clone();
    [
        Address::Subject {
            service: service(),
            subject: "noise".try_into().expect("a subject"),
            targets: Targets::Both,
        },
        Address::Inbox { service: service(), instance: conduit.instance() },
        Address::Control { service: service() },
    ]
}
