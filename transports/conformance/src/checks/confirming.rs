//! Messages whose sender waits until somebody has read them.

use std::{collections::BTreeSet, sync::Arc};

use conduit::{Binding, ErrorKind, Executed};

use crate::{Broker, Guarantee, Number, Violation, World, pattern::Pattern};

const RULE: Guarantee = Guarantee::Bodies;
/// Nothing, what fits one packet, and what does not.
const LENGTHS: [u64; 3] = [0, 8, 1 << 20];

/// A confirmed message of any size was read when its sender is told so, and not before.
///
/// # Errors
/// What does not hold.
pub async fn a_confirmed_message_was_read<B: Broker>(
    world: Arc<World<B>>,
) -> Result<(), Violation> {
    let sender = world.conduit("sender").await;
    let receiver = world.conduit("receiver").await;
    let mut binding = RULE.expect("queue_bind", receiver.queue_bind("jobs").await)?;
    for length in LENGTHS {
        let body = Pattern::of_length(length);
        let sending = sender.service("receiver").send_body("jobs", body.bytes()).confirm();
        let (told, tells) = async_channel::bounded(1);
        world.spawn(async move {
            told.try_send(sending.await).ok();
        });
        let what = || "the message did not arrive".to_owned();
        world.eventually(RULE, what, || binding.waiting() == 1).await?;
        let told = !tells.is_empty();
        RULE.ensure(!told, || format!("{length} bytes are confirmed, and nobody read them"))?;
        read(&world, &mut binding, body).await?;
        let delivery = world.within(B::PATIENCE, RULE, "a confirmation", tells.recv()).await?;
        let delivery = RULE.expect("a confirmation", delivery)?;
        let delivery = RULE.expect("send", delivery)?;
        let right = *delivery.completed() == [receiver.instance()] && delivery.failed().is_empty();
        RULE.ensure(right, || format!("one has read {length} bytes: {delivery:?}"))?;
    }
    Ok(())
}

/// It names everybody who has read it: a member of the group, and each `bind`.
///
/// # Errors
/// What does not hold.
pub async fn a_confirmed_message_names_all_readers<B: Broker>(
    world: Arc<World<B>>,
) -> Result<(), Violation> {
    let sender = world.patient_conduit("sender").await;
    let mut conduits = Vec::new();
    let mut bindings = Vec::new();
    for number in 0..3 {
        let conduit = world.conduit("receiver").await;
        let bound = match number {
            0 => conduit.queue_bind("jobs").await,
            _ => conduit.bind("jobs").await,
        };
        bindings.push(RULE.expect("bind", bound)?);
        conduits.push(conduit);
    }
    let wanted: BTreeSet<_> = conduits.iter().map(conduit::Conduit::instance).collect();
    for length in LENGTHS {
        let body = Pattern::of_length(length);
        let sending = sender.service("receiver").send_body("jobs", body.bytes()).expect(2);
        let sent = world.run(sending.confirm());
        let mut reading = Vec::new();
        for mut binding in bindings {
            let at = Arc::clone(&world);
            reading.push(world.run(async move {
                read(&at, &mut binding, body).await?;
                Ok(binding)
            }));
        }
        bindings = Vec::new();
        for reading in reading {
            bindings.push(reading.await?);
        }
        let delivery = world.within(B::PATIENCE, RULE, "a confirmation", sent).await?;
        let delivery = RULE.expect("send", delivery)?;
        let readers: BTreeSet<_> = delivery.completed().iter().copied().collect();
        let right = readers == wanted && delivery.completed().len() == 3;
        RULE.ensure(right, || format!("three have read {length} bytes: {delivery:?}"))?;
    }
    Ok(())
}

/// Where nobody is bound, a confirmed message of any size has no receivers, and is not executed.
///
/// # Errors
/// What does not hold.
pub async fn a_confirmed_message_to_nobody_fails<B: Broker>(
    world: Arc<World<B>>,
) -> Result<(), Violation> {
    if !B::TELLS_UNDELIVERED {
        return Ok(());
    }
    let sender = world.conduit("sender").await;
    let _alive = world.conduit("alive").await;
    for service in ["absent", "alive"] {
        for length in LENGTHS {
            let body = Pattern::of_length(length).bytes();
            let sending = sender.service(service).send_body("nothing", body).confirm();
            let what = format!("{length} bytes to nobody");
            let sent = world.within(B::PATIENCE, RULE, &what, sending).await?;
            let told = matches!(&sent, Err(error)
                if error.kind() == ErrorKind::NoReceivers && error.executed() == Executed::No);
            RULE.ensure(told, || format!("{what}: {sent:?}"))?;
        }
    }
    Ok(())
}

async fn read<B: Broker>(
    world: &World<B>,
    binding: &mut Binding<Number>,
    body: Pattern,
) -> Result<(), Violation> {
    let message = world.within(B::PATIENCE, RULE, "a message", binding.next()).await?;
    let message = message.ok_or_else(|| Violation::new(RULE, "the binding ended"))?;
    let bytes = world.within(B::PATIENCE, RULE, "its body", message.to_bytes()).await?;
    let bytes = RULE.expect("its body", bytes)?;
    let whole = bytes.len() as u64 == body.length() && body.matches(0, &bytes);
    RULE.ensure(whole, || format!("{} other bytes came", bytes.len()))
}
