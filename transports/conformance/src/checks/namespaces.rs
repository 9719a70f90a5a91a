//! Namespaces: those of one broker never meet.

use std::sync::Arc;

use conduit::{
    Conduit, ErrorKind, InstanceId, MAX_SERVICE_NAME, MAX_SUBJECT, MessageId, ServiceName, Subject,
    transport::{Address, MAX_NAMESPACE, Namespace, Packet, Targets, Token},
};

use crate::{Broker, Guarantee, Number, Violation, World, wire::Wire};

fn namespace(name: &str) -> Namespace {
    Namespace::new(name).expect("a namespace")
}

/// Two namespaces that differ in the last character of the longest name, and one whose name is that
/// of the service.
fn namespaces() -> [Namespace; 3] {
    let longest = |last| "n".repeat(MAX_NAMESPACE - 1) + last;
    [namespace(&longest("a")), namespace(&longest("b")), namespace(longest_service().as_str())]
}

fn longest_service() -> ServiceName {
    ServiceName::new("s".repeat(MAX_SERVICE_NAME)).expect("a service name")
}

/// The longest addresses of every kind.
fn addresses() -> [Address; 5] {
    let subject = format!("{}.b", "a".repeat(MAX_SUBJECT - 2));
    let subject = Subject::new(subject).expect("a subject");
    let service = longest_service();
    let targets =
        |targets| Address::Subject { service: service.clone(), subject: subject.clone(), targets };
    let instance = InstanceId::from_bytes([7; InstanceId::LEN]);
    [
        targets(Targets::Plain),
        targets(Targets::Group),
        Address::Inbox { service: service.clone(), instance },
        Address::Control { service: service.clone() },
        Address::Directory,
    ]
}

/// A packet reaches the subscriptions of its own namespace alone, whatever the address, and so does
/// the notice that it has no subscriber.
///
/// # Errors
/// What does not hold.
pub async fn namespaces_never_meet<B: Broker>(world: Arc<World<B>>) -> Result<(), Violation> {
    let rule = Guarantee::Isolation;
    let mut wires = vec![Wire::connect(&world, rule).await];
    for namespace in namespaces() {
        let Some(wire) = Wire::connect_in(&world, rule, namespace).await else { return Ok(()) };
        wires.push(wire);
    }
    let mut ears = Vec::new();
    for wire in &wires {
        for address in addresses() {
            ears.push(wire.subscribe(&address).await?);
        }
    }
    for (number, wire) in (0..).zip(&wires) {
        for address in addresses() {
            wire.publish_number(&address, number).await?;
        }
        wire.flush().await?;
    }
    for (at, ear) in ears.iter_mut().enumerate() {
        let (namespace, address) = (at / 5, &addresses()[at % 5]);
        ear.leave().await?;
        let got = ear.rest().await?;
        rule.ensure(got == [namespace as u64], || {
            format!("namespace {namespace} was sent its number to {address:?}, and got {got:?}")
        })?;
    }
    drop(ears);
    if !B::TELLS_UNDELIVERED {
        return Ok(());
    }
    // The others have subscribers, and an inbox of the same name.
    let [plain, _, inbox, ..] = addresses();
    for (number, wire) in (0..).zip(&wires) {
        let mut others = Vec::new();
        for (other, wire) in wires.iter().enumerate() {
            others.push(wire.subscribe(&inbox).await?);
            if other != number {
                others.push(wire.subscribe(&plain).await?);
            }
        }
        let message = MessageId::from_bytes([1; MessageId::LEN]);
        let token = Token { message, targets: Targets::Plain, tag: number as u64 };
        wire.publish_noticed(&plain, &inbox, token).await?;
        wire.flush().await?;
        let mut noticed = 0;
        for ear in &mut others {
            ear.leave().await?;
            while let Some(packet) = ear.next().await? {
                rule.ensure(packet == Packet::Undelivered(token), || format!("got {packet:?}"))?;
                noticed += 1;
            }
        }
        rule.ensure(noticed == 1, || format!("{noticed} were told that nobody is there"))?;
    }
    Ok(())
}

/// Conduits of one service in two namespaces share nothing: neither events, nor work, nor requests.
///
/// # Errors
/// What does not hold.
pub async fn namespaces_are_apart_for_conduits<B: Broker>(
    world: Arc<World<B>>,
) -> Result<(), Violation> {
    const COUNT: u64 = 50;
    let rule = Guarantee::Isolation;
    let mut conduits = Vec::new();
    for name in ["staging", "production"] {
        let Some(transport) = world.broker().connect_in(namespace(name)).await else {
            return Ok(());
        };
        let built = Conduit::new("worker", world.runtime(), transport, Number);
        conduits.push(rule.expect("make a conduit", built)?);
    }
    let mut bindings = Vec::new();
    for conduit in &conduits {
        let events = rule.expect("bind", conduit.bind("event").await)?;
        let work = rule.expect("bind", conduit.queue_bind("work").await)?;
        bindings.push((events, work));
    }
    for (namespace, conduit) in (0..).zip(&conduits) {
        let own = conduit.own_service();
        for number in 0..COUNT {
            let number = 1_000 * namespace + number;
            rule.expect("send", own.send("event", &number).await)?;
            rule.expect("send", own.send("work", &number).await)?;
        }
    }
    for (namespace, (events, work)) in (0..).zip(&mut bindings) {
        for binding in [events, work] {
            for number in 0..COUNT {
                let next = world.within(B::PATIENCE, rule, "wait for a message", binding.next());
                let message = next.await?.ok_or_else(|| Violation::new(rule, "it ended"))?;
                let got: u64 = rule.expect("decode", message.decode().await)?;
                rule.ensure(got == 1_000 * namespace + number, || {
                    format!("namespace {namespace} got {got} instead of {number}")
                })?;
            }
        }
    }
    if let Some((_, work)) = bindings.pop() {
        work.unbind().await;
    }
    let missing = conduits[1].own_service().request("work", &1).timeout(B::PATIENCE).await;
    let kind = missing.map(drop).map_err(|error| error.kind());
    let absent = [ErrorKind::NoReceivers, ErrorKind::NoAnswer];
    rule.ensure(kind.is_err_and(|kind| absent.contains(&kind)), || {
        format!("a request to nobody in this namespace: {kind:?}")
    })
}
