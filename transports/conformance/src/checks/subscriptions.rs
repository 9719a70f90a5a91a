//! The transport's own contract: how subscriptions begin and end.

use std::sync::Arc;

use bytes::Bytes;
use conduit::transport::{Targets, Transport, TransportError, TransportErrorKind};
use futures_lite::future;

use crate::{
    Broker, Guarantee, Violation, World,
    wire::{Wire, each_once, inbox, subject, subject_named},
};

/// After `flush`, a subscription gets what another connection publishes.
///
/// # Errors
/// What does not hold.
pub async fn a_flushed_subscription_is_in_force<B: Broker>(
    world: Arc<World<B>>,
) -> Result<(), Violation> {
    let rule = Guarantee::Binding;
    let near = Wire::connect(&world, rule).await;
    let far = Wire::connect(&world, rule).await;
    for round in 0..300 {
        let at = subject_named(&format!("round.{}", round % 3), Targets::Plain);
        let mut ear = near.subscribe(&at).await?;
        far.publish_number(&at, round).await?;
        let got = ear.number().await?;
        rule.ensure(got == round, || format!("wanted {round}, got {got}"))?;
    }
    Ok(())
}

/// After `flush`, what was published stands before what others publish then.
///
/// # Errors
/// What does not hold.
pub async fn a_flushed_packet_is_routed<B: Broker>(world: Arc<World<B>>) -> Result<(), Violation> {
    let rule = Guarantee::Order;
    let near = Wire::connect(&world, rule).await;
    let publishers = [Wire::connect(&world, rule).await, Wire::connect(&world, rule).await];
    let at = subject(Targets::Plain);
    let mut ear = near.subscribe(&at).await?;
    for (round, publisher) in (0..300).zip(publishers.iter().cycle()) {
        publisher.publish_number(&at, round).await?;
        publisher.flush().await?;
    }
    for round in 0..300 {
        let got = ear.number().await?;
        rule.ensure(got == round, || format!("wanted {round}, got {got}"))?;
    }
    Ok(())
}

/// A member that leaves while packets flow yields what was routed to it, and the others get the
/// rest.
///
/// # Errors
/// What does not hold.
pub async fn leaving_loses_nothing<B: Broker>(world: Arc<World<B>>) -> Result<(), Violation> {
    const COUNT: u64 = 5_000;
    let rule = Guarantee::Leaving;
    let publisher = Wire::connect(&world, rule).await;
    let wires = [Wire::connect(&world, rule).await, Wire::connect(&world, rule).await];
    let at = subject(Targets::Group);
    let mut leaves = wires[0].subscribe(&at).await?;
    let mut stays = wires[1].subscribe(&at).await?;
    let publish = async {
        for number in 0..COUNT {
            publisher.publish_number(&at, number).await?;
            if number % 16 == 0 {
                future::yield_now().await;
            }
        }
        publisher.flush().await
    };
    let leave = async {
        let mut numbers = Vec::new();
        for _ in 0..COUNT / 10 {
            numbers.push(leaves.number().await?);
        }
        leaves.leave().await?;
        numbers.extend(leaves.rest().await?);
        Ok(numbers)
    };
    let (published, left) = future::zip(publish, leave).await;
    published?;
    let mut numbers = left?;
    stays.leave().await?;
    numbers.extend(stays.rest().await?);
    each_once(rule, numbers, COUNT)
}

/// Nothing is routed to a subscription after `leave`, and it ends. Leaving twice is fine, and one
/// can come back.
///
/// # Errors
/// What does not hold.
pub async fn a_left_subscription_ends<B: Broker>(world: Arc<World<B>>) -> Result<(), Violation> {
    let rule = Guarantee::Leaving;
    let near = Wire::connect(&world, rule).await;
    let far = Wire::connect(&world, rule).await;
    for target in [Targets::Plain, Targets::Group, Targets::Plain] {
        let at = subject(target);
        let mut ear = near.subscribe(&at).await?;
        far.publish_number(&at, 1).await?;
        far.flush().await?;
        ear.leave().await?;
        far.publish_number(&at, 2).await?;
        ear.leave().await?;
        let mut numbers = Vec::new();
        while let Some(packet) = ear.next().await? {
            numbers.push(packet);
            rule.ensure(numbers.len() == 1, || {
                format!("what was published after it had left came too: {numbers:?}")
            })?;
        }
        rule.ensure(numbers.len() == 1, || "what was routed to it was lost".to_owned())?;
    }
    Ok(())
}

/// A closed transport refuses everything and its subscriptions end; others go on.
///
/// # Errors
/// What does not hold.
pub async fn a_closed_transport_refuses<B: Broker>(world: Arc<World<B>>) -> Result<(), Violation> {
    let rule = Guarantee::Errors;
    let closed = Wire::connect(&world, rule).await;
    let open = Wire::connect(&world, rule).await;
    let mut ends = closed.subscribe(&subject(Targets::Plain)).await?;
    let mut stays = open.subscribe(&inbox(1)).await?;
    closed.publish_number(&inbox(1), 1).await?;
    closed.transport.close().await;
    ends.rest().await?;
    let at = subject(Targets::Plain);
    let at_once = closed.transport.publish_now(&closed.destination(&at), Bytes::new(), None);
    let publish = closed.transport.publish(&at, Bytes::new(), None).await;
    let subscribe = closed.transport.subscribe(&at).await.map(drop);
    let flush = closed.transport.flush().await;
    let ready = closed.transport.ready(&at).await;
    let results =
        [("publish", publish), ("ready", ready), ("subscribe", subscribe), ("flush", flush)];
    let at_once = at_once.map(|refused| ("publish at once", refused));
    for (doing, result) in at_once.into_iter().chain(results) {
        let kind = result.as_ref().map_err(TransportError::kind);
        rule.ensure(kind == Err(TransportErrorKind::Closed), || {
            format!("{doing} after close: {result:?}")
        })?;
    }
    open.publish_number(&inbox(1), 2).await?;
    for wanted in [1, 2] {
        let got = stays.number().await?;
        rule.ensure(got == wanted, || format!("wanted {wanted}, got {got}"))?;
    }
    Ok(())
}
