//! The transport's own contract: who gets a packet.

use std::sync::Arc;

use conduit::{
    MessageId, ServiceName,
    transport::{Address, Packet, Targets, Token},
};

use crate::{
    Broker, Guarantee, Violation, World,
    wire::{Wire, each_once, inbox, service, subject, subject_named},
};

/// Of the group members of a subject, exactly one gets a packet, and every plain subscription gets
/// it besides where it is for both.
///
/// # Errors
/// What does not hold.
pub async fn one_member_gets_a_packet<B: Broker>(world: Arc<World<B>>) -> Result<(), Violation> {
    const COUNT: u64 = 1_000;
    let rule = Guarantee::Queue;
    let publisher = Wire::connect(&world, rule).await;
    let mut wires = Vec::new();
    let (mut members, mut plains) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        let wire = Wire::connect(&world, rule).await;
        members.push(wire.subscribe(&subject(Targets::Group)).await?);
        plains.push(wire.subscribe(&subject(Targets::Plain)).await?);
        wires.push(wire);
    }
    for number in 0..COUNT {
        let to = [Targets::Group, Targets::Both][usize::from(number % 2 == 0)];
        publisher.publish_number(&subject(to), number).await?;
    }
    publisher.flush().await?;
    let mut numbers = Vec::new();
    for member in &mut members {
        member.leave().await?;
        numbers.extend(member.rest().await?);
    }
    each_once(rule, numbers, COUNT)?;
    for plain in &mut plains {
        plain.leave().await?;
        let numbers = plain.rest().await?;
        let wanted = (0..COUNT).filter(|number| number % 2 == 0);
        Guarantee::Broadcast.ensure(numbers.iter().copied().eq(wanted), || {
            format!("of {} packets, {} arrived", COUNT / 2, numbers.len())
        })?;
    }
    Ok(())
}

/// A packet to an inbox reaches the instance that it belongs to, and not its siblings.
///
/// # Errors
/// What does not hold.
pub async fn an_inbox_is_private<B: Broker>(world: Arc<World<B>>) -> Result<(), Violation> {
    const COUNT: u64 = 200;
    let rule = Guarantee::Replies;
    let publisher = Wire::connect(&world, rule).await;
    let wires = [Wire::connect(&world, rule).await, Wire::connect(&world, rule).await];
    let mut first = wires[0].subscribe(&inbox(0)).await?;
    let mut second = wires[1].subscribe(&inbox(1)).await?;
    for number in 0..COUNT {
        let to = inbox((number % 2) as u8);
        publisher.publish_number(&to, number).await?;
    }
    for (ear, instance) in [(&mut first, 0), (&mut second, 1)] {
        for wanted in (0..COUNT).filter(|number| number % 2 == instance) {
            let got = ear.number().await?;
            rule.ensure(got % 2 == instance, || {
                format!("a packet to one inbox came to another: {got} to {instance}")
            })?;
            rule.ensure(got == wanted, || format!("wanted {wanted}, got {got}"))?;
        }
    }
    Ok(())
}

/// A packet to the control address reaches every instance of the service, and no other's.
///
/// # Errors
/// What does not hold.
pub async fn control_reaches_every_instance<B: Broker>(
    world: Arc<World<B>>,
) -> Result<(), Violation> {
    let rule = Guarantee::Broadcast;
    let publisher = Wire::connect(&world, rule).await;
    let control = |service| Address::Control { service };
    let other = ServiceName::try_from("wire-2").expect("a service name");
    let mut wires = Vec::new();
    let mut ears = Vec::new();
    for service in [service(), service(), other.clone()] {
        let wire = Wire::connect(&world, rule).await;
        ears.push(wire.subscribe(&control(service)).await?);
        wires.push(wire);
    }
    publisher.publish_number(&control(service()), 1).await?;
    publisher.publish_number(&control(other), 2).await?;
    for (ear, wanted) in ears.iter_mut().zip([1, 1, 2]) {
        let got = ear.number().await?;
        rule.ensure(got == wanted, || format!("wanted {wanted}, got {got}"))?;
    }
    Ok(())
}

/// A packet to the directory reaches all that subscribe to it, of whatever service.
///
/// # Errors
/// What does not hold.
pub async fn the_directory_reaches_instances_of_all_services<B: Broker>(
    world: Arc<World<B>>,
) -> Result<(), Violation> {
    let rule = Guarantee::Broadcast;
    let (publisher, other) = (Wire::connect(&world, rule).await, Wire::connect(&world, rule).await);
    let aside = Address::Control { service: service() };
    let mut aside = publisher.subscribe(&aside).await?;
    let mut ears = Vec::new();
    for wire in [&publisher, &other] {
        ears.push(wire.subscribe(&Address::Directory).await?);
    }
    publisher.publish_number(&Address::Directory, 1).await?;
    for ear in &mut ears {
        let got = ear.number().await?;
        rule.ensure(got == 1, || format!("wanted 1, got {got}"))?;
    }
    publisher.flush().await?;
    aside.leave().await?;
    let got = aside.rest().await?;
    rule.ensure(got.is_empty(), || format!("the control address of a service got {got:?}"))
}

/// Two addresses never share a name: neighbours of a subject hear nothing of it.
///
/// # Errors
/// What does not hold.
pub async fn subjects_are_apart<B: Broker>(world: Arc<World<B>>) -> Result<(), Violation> {
    const NAMES: [&str; 8] = ["a", "a.a", "a.a.a", "A", "a-a", "a_a", "1", "0.1"];
    let rule = Guarantee::Broadcast;
    let publisher = Wire::connect(&world, rule).await;
    let wire = Wire::connect(&world, rule).await;
    for target in [Targets::Plain, Targets::Group] {
        let mut ears = Vec::new();
        for name in NAMES {
            ears.push(wire.subscribe(&subject_named(name, target)).await?);
        }
        for (number, name) in (0..).zip(NAMES) {
            let to = subject_named(name, target);
            publisher.publish_number(&to, number).await?;
        }
        publisher.flush().await?;
        for ((number, name), ear) in (0..).zip(NAMES).zip(&mut ears) {
            ear.leave().await?;
            let got = ear.rest().await?;
            rule.ensure(got == [number], || {
                format!("{name:?} was sent {number}, and got {got:?}")
            })?;
        }
    }
    Ok(())
}

/// A publisher is told that nobody was subscribed, and only then.
///
/// # Errors
/// What does not hold.
pub async fn a_missing_subscriber_is_noticed<B: Broker>(
    world: Arc<World<B>>,
) -> Result<(), Violation> {
    use Targets::{Both, Group, Plain};
    if !B::TELLS_UNDELIVERED {
        return Ok(());
    }
    let rule = Guarantee::Undelivered;
    let publisher = Wire::connect(&world, rule).await;
    let other = Wire::connect(&world, rule).await;
    let own = inbox(1);
    let mut notices = publisher.subscribe(&own).await?;
    let cases = [
        (None, vec![Plain, Group, Both], vec![]),
        (Some(Plain), vec![Group], vec![Plain, Both]),
        (Some(Group), vec![Plain], vec![Group, Both]),
        (None, vec![Plain, Group, Both], vec![]),
    ];
    for (round, (subscribed, missed, heard)) in (0..).zip(cases) {
        let mut ear = None;
        if let Some(target) = subscribed {
            ear = Some(other.subscribe(&subject(target)).await?);
        }
        for targets in missed {
            let message = MessageId::from_bytes([round; MessageId::LEN]);
            let token = Token { message, targets, tag: u64::from(round) << 56 | 7 };
            publisher.publish_noticed(&subject(targets), &own, token).await?;
            let notice = notices.next().await?;
            rule.ensure(notice == Some(Packet::Undelivered(token)), || {
                format!("{targets:?} with {subscribed:?} subscribed: {notice:?}")
            })?;
        }
        for targets in heard {
            let message = MessageId::from_bytes([round; MessageId::LEN]);
            let token = Token { message, targets, tag: u64::from(round) << 56 | 7 };
            publisher.publish_noticed(&subject(targets), &own, token).await?;
            publisher.publish_number(&own, 1).await?;
            notices.number().await?;
        }
        if let Some(ear) = &mut ear {
            ear.leave().await?;
        }
    }
    Ok(())
}
