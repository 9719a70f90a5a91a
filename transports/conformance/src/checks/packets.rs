//! The transport's own contract: packets on their way.

use std::{collections::BTreeSet, sync::Arc};

use bytes::Bytes;
use conduit::transport::{
    MIN_PACKET_LEN, Packet, Targets, Transport, TransportError, TransportErrorKind,
};

use crate::{
    Broker, Guarantee, Violation, World,
    wire::{Wire, inbox, subject},
};

/// What one connection publishes reaches a subscription in that order, whatever the targets.
///
/// # Errors
/// What does not hold.
pub async fn packets_keep_their_order<B: Broker>(world: Arc<World<B>>) -> Result<(), Violation> {
    const COUNT: u64 = 2_000;
    let rule = Guarantee::Order;
    let (near, far) = (Wire::connect(&world, rule).await, Wire::connect(&world, rule).await);
    for target in [Targets::Plain, Targets::Group] {
        let mut ear = near.subscribe(&subject(target)).await?;
        let to = [subject(target), subject(Targets::Both)];
        for (number, to) in (0..COUNT).zip(to.iter().cycle()) {
            far.publish_number(to, number).await?;
        }
        for wanted in 0..COUNT {
            let got = ear.number().await?;
            rule.ensure(got == wanted, || format!("packet {got} came where {wanted} was next"))?;
        }
    }
    Ok(())
}

/// A subscription of each kind gets a packet once.
///
/// # Errors
/// What does not hold.
pub async fn a_packet_comes_once<B: Broker>(world: Arc<World<B>>) -> Result<(), Violation> {
    const COUNT: u64 = 500;
    const LAST: u64 = u64::MAX;
    let rule = Guarantee::Packets;
    let (near, far) = (Wire::connect(&world, rule).await, Wire::connect(&world, rule).await);
    for to in [subject(Targets::Plain), subject(Targets::Group), inbox(1)] {
        let mut ear = near.subscribe(&to).await?;
        for number in (0..COUNT).chain([LAST]) {
            far.publish_number(&to, number).await?;
        }
        let mut seen = BTreeSet::new();
        loop {
            let number = ear.number().await?;
            if number == LAST {
                break;
            }
            rule.ensure(seen.insert(number), || format!("packet {number} to {to:?} came twice"))?;
        }
    }
    Ok(())
}

/// A packet arrives as it was, up to the length that the transport says; a longer one is refused.
///
/// # Errors
/// What does not hold.
pub async fn packets_of_every_length_arrive<B: Broker>(
    world: Arc<World<B>>,
) -> Result<(), Violation> {
    const ENOUGH: usize = 16 << 20;
    let rule = Guarantee::Packets;
    let (near, far) = (Wire::connect(&world, rule).await, Wire::connect(&world, rule).await);
    let to = subject(Targets::Plain);
    let mut ear = near.subscribe(&to).await?;
    let most = far.transport.max_packet_len();
    rule.ensure(most >= MIN_PACKET_LEN, || format!("packets of {most} bytes are too short"))?;
    for length in [0, 1, 1_000, MIN_PACKET_LEN, most.min(ENOUGH)] {
        let packet: Bytes = (0..=u8::MAX).rev().cycle().take(length).collect();
        far.publish(&to, packet.clone()).await?;
        let same = ear.next().await? == Some(Packet::Data(packet));
        rule.ensure(same, || format!("a packet of {length} bytes did not arrive as it was"))?;
    }
    if most < ENOUGH {
        let longer = Bytes::from(vec![0; most + 1]);
        let at_once = far.transport.publish_now(&far.destination(&to), longer.clone(), None);
        let refused = far.transport.publish(&to, longer, None).await;
        for refused in at_once.into_iter().chain([refused]) {
            let kind = refused.as_ref().map_err(TransportError::kind);
            Guarantee::Errors.ensure(kind == Err(TransportErrorKind::TooLarge), || {
                format!("a packet of {} bytes: {refused:?}", most + 1)
            })?;
        }
    }
    Ok(())
}

/// A packet is taken out of its place when it is handed over, and is then on its way; one that is
/// refused stays there, and is not.
///
/// # Errors
/// What does not hold.
pub async fn a_packet_is_handed_over_or_kept<B: Broker>(
    world: Arc<World<B>>,
) -> Result<(), Violation> {
    let rule = Guarantee::Packets;
    let (near, far) = (Wire::connect(&world, rule).await, Wire::connect(&world, rule).await);
    let to = subject(Targets::Plain);
    let mut ear = near.subscribe(&to).await?;
    let most = far.transport.max_packet_len();
    let mut place = None;
    for number in 0..10 {
        place = Some(Bytes::from(vec![number]));
        far.ready(&to).await?;
        far.hand_over(&to, &mut place).await?;
        rule.ensure(place.is_none(), || "a packet that was handed over is kept".to_owned())?;
    }
    // There is nothing to hand over any more.
    far.hand_over(&to, &mut place).await?;
    if most < 16 << 20 {
        place = Some(Bytes::from(vec![0; most + 1]));
        let refused = far.transport.hand_over(&to, &mut place, None).await;
        let kept = refused.is_err() && place.is_some();
        rule.ensure(kept, || format!("{refused:?}, but the packet is gone"))?;
    }
    far.transport.close().await;
    place = Some(Bytes::from(vec![10]));
    let refused = far.transport.hand_over(&to, &mut place, None).await;
    let kept = refused.is_err() && place.is_some();
    rule.ensure(kept, || format!("{refused:?} after the close, but the packet is gone"))?;
    near.publish(&to, Bytes::from(vec![11])).await?;
    for number in (0..10).chain([11]) {
        let got = ear.next().await?;
        let right = got == Some(Packet::Data(vec![number].into()));
        rule.ensure(right, || format!("{got:?} came where {number} was next"))?;
    }
    Ok(())
}
