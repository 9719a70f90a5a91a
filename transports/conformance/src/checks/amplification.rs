//! Receivers that somebody makes up.

use std::{sync::Arc, time::Duration};

use conduit::{
    InstanceId, MessageId, ServiceName, Source,
    proto::frame::{Frame, Receiver},
    transport::{Address, Packet, Target, Targets},
};

use crate::{
    Broker, Guarantee, Violation, World,
    pattern::Pattern,
    wire::{Ear, Wire, service, subject_named},
};

const RULE: Guarantee = Guarantee::FlowControl;
const LENGTH: u64 = 200_000;

/// Who knows the name of a broadcast can make up receivers of it. They make its sender publish a
/// mebibyte at most, and those that are there get it all the same.
///
/// # Errors
/// What does not hold.
pub async fn made_up_receivers_cost_little<B: Broker>(
    world: Arc<World<B>>,
) -> Result<(), Violation> {
    const FORGED: u8 = 40;
    const EACH: u64 = 10;
    let wire = Wire::connect(&*world, RULE).await;
    let mut offers = wire.subscribe(&subject_named("news", Targets::Plain)).await?;
    let builder = world.builder("sender").await.join_window(Duration::from_secs(1));
    // Those that are not there are given up soon.
    let sender = RULE.expect("build", builder.idle_limit(Duration::from_secs(2)).build())?;
    let receiver = world.conduit(service().as_str()).await;
    let mut bound = RULE.expect("bind", receiver.bind("news").await)?;
    let body = Pattern::of_length(LENGTH);
    let sending = sender.service(service()).send_body("news", body.bytes());
    let sent = world.run(sending);

    let (source, message) = offer(&mut offers).await?;
    let mut ears = Vec::new();
    for number in 1..=FORGED {
        ears.push(wire.subscribe(&crate::wire::inbox(number)).await?);
    }
    for _ in 0..EACH {
        for number in 1..=FORGED {
            let instance = InstanceId::from_bytes([number; InstanceId::LEN]);
            let receiver = Receiver { instance, port: 1 };
            let (target, credit) = (Target::Plain, u64::MAX);
            let accept = Frame::Accept { message, receiver, target, credit };
            wire.publish(&inbox_of(&source), accept.encode()).await?;
        }
    }
    let read = async { bound.next().await.expect("it is bound").to_bytes().await };
    let read = world.within(B::PATIENCE, RULE, "read the body", read).await?;
    let right = RULE.expect("read the body", read)? == body.bytes();
    RULE.ensure(right, || "the body is another".to_owned())?;
    let delivery = world.within(B::PATIENCE, RULE, "the end of a body", sent).await?;
    let delivery = RULE.expect("send", delivery)?;
    let right = *delivery.completed() == [receiver.instance()];
    RULE.ensure(right, || format!("one receiver is there: {delivery:?}"))?;

    let mut wasted = 0;
    for (number, ear) in (1..).zip(&mut ears) {
        // What comes after everything else.
        wire.publish_number(&crate::wire::inbox(number), 0).await?;
        wasted += heard(ear).await?;
    }
    RULE.ensure(wasted <= 1 << 20, || format!("{wasted} bytes went to nobody"))
}

async fn offer<B: Broker>(ear: &mut Ear<'_, B>) -> Result<(Source, MessageId), Violation> {
    loop {
        if let Some(Packet::Data(packet)) = ear.next().await?
            && let Ok(Frame::Offer { head, message, .. }) = Frame::decode(&packet)
        {
            return Ok((head.source.clone(), message));
        }
    }
}

/// How many bytes came before a packet that is none of the protocol's.
async fn heard<B: Broker>(ear: &mut Ear<'_, B>) -> Result<usize, Violation> {
    let mut bytes = 0;
    while let Some(Packet::Data(packet)) = ear.next().await? {
        if Frame::decode(&packet).is_err() {
            return Ok(bytes);
        }
        bytes += packet.len();
    }
    Err(Violation::new(RULE, "a subscription ended"))
}

fn inbox_of(source: &Source) -> Address {
    let service: ServiceName = source.service.clone();
    Address::Inbox { service, instance: source.instance }
}
