//! Messages of a later version, which a conduit cannot understand.

use std::sync::Arc;

use conduit::{
    proto::{
        ReasonCode,
        frame::{Frame, Receiver},
    },
    transport::{Address, Packet, Target, Targets},
};

use crate::{
    Broker, Guarantee, Violation, World,
    forgery::{ID, every_frame, with_field},
    wire::Wire,
};

const RULE: Guarantee = Guarantee::Errors;
const UNKNOWN_AND_CRITICAL: u8 = 200;

/// A request and an offer that are not understood are refused, by the group and by plain bindings,
/// and no handler gets them.
///
/// # Errors
/// What does not hold.
pub async fn what_is_not_understood_is_refused<B: Broker>(
    world: Arc<World<B>>,
) -> Result<(), Violation> {
    let conduit = world.conduit("receiver").await;
    let mut plain = RULE.expect("bind", conduit.bind("noise").await)?;
    let mut group = RULE.expect("queue_bind", conduit.queue_bind("noise").await)?;
    let wire = Wire::connect(&world, RULE).await;
    let forger = Address::Inbox {
        service: "forger".try_into().expect("a service name"),
        instance: conduit::InstanceId::from_bytes(ID),
    };
    let mut answers = wire.subscribe(&forger).await?;
    for target in [Target::Plain, Target::Group] {
        let to = Address::Subject {
            service: conduit.name().clone(),
            subject: "noise".try_into().expect("a subject"),
            targets: Targets::from(target),
        };
        let asks = |frame: &Frame| match frame {
            Frame::Message { head, .. } => head.request.is_some(),
            Frame::Offer { .. } => true,
            _ => false,
        };
        for frame in every_frame(&conduit).into_iter().filter(asks) {
            let packet = with_field(&frame.encode(), UNKNOWN_AND_CRITICAL);
            wire.publish(&to, packet).await?;
            let said = match answers.next().await? {
                Some(Packet::Data(packet)) => Frame::decode(&packet).ok(),
                _ => None,
            };
            let is_refused = is_refused(&frame, said.as_ref(), target, conduit.instance());
            RULE.ensure(is_refused, || format!("{frame:?} to {target:?}: {said:?}"))?;
        }
    }
    // One way, it is only counted.
    let one_way = every_frame(&conduit).swap_remove(0);
    let counted = conduit.stats().invalid_packets;
    let to = Address::Subject {
        service: conduit.name().clone(),
        subject: "noise".try_into().expect("a subject"),
        targets: Targets::Both,
    };
    wire.publish(&to, with_field(&one_way.encode(), UNKNOWN_AND_CRITICAL)).await?;
    let what = || "a message that is not understood is counted".to_owned();
    world.eventually(RULE, what, || conduit.stats().invalid_packets == counted + 2).await?;
    let sender = world.conduit("sender").await;
    RULE.expect("send", sender.service("receiver").send("noise", &1).await)?;
    for binding in [&mut plain, &mut group] {
        let message = world.within(B::PATIENCE, RULE, "a message", binding.next()).await?;
        let source = message.as_ref().map(conduit::Message::source);
        let is_ours = source.is_some_and(|source| source.instance == sender.instance());
        RULE.ensure(is_ours, || format!("a binding got {message:?}"))?;
    }
    Ok(())
}

fn is_refused(frame: &Frame, said: Option<&Frame>, to: Target, by: conduit::InstanceId) -> bool {
    match (frame, said) {
        (
            Frame::Message { .. },
            Some(Frame::Failure { message, instance, target, started, reason, .. }),
        ) => {
            let asked = (message.to_bytes(), *instance, *target) == (ID, by, to);
            asked && !started && reason.code == ReasonCode::Unsupported
        }
        (Frame::Offer { .. }, Some(Frame::Stop { stream, receiver, target, reason })) => {
            let Receiver { instance, port } = *receiver;
            let offered = (stream.message.to_bytes(), instance, *target) == (ID, by, to);
            let named = (port == 0) == (to == Target::Group);
            offered && named && reason.code == ReasonCode::Unsupported
        }
        _ => false,
    }
}
