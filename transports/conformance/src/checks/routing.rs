//! Who gets a message.

use std::sync::Arc;

use crate::{Broker, Guarantee, Violation, World};

/// G1: every `bind` of a subject, in every instance, gets every message.
///
/// # Errors
/// What does not hold.
pub async fn every_bind_gets_every_message<B: Broker>(
    world: Arc<World<B>>,
) -> Result<(), Violation> {
    const COUNT: u64 = 100;
    let rule = Guarantee::Broadcast;
    let sender = world.conduit("sender").await;
    let mut bindings = Vec::new();
    let mut conduits = Vec::new();
    for _ in 0..3 {
        let conduit = world.conduit("receiver").await;
        bindings.push(rule.expect("bind", conduit.bind("news").await)?);
        conduits.push(conduit);
    }
    for number in 0..COUNT {
        rule.expect(
            "send",
            sender.service("receiver").send("news", &number).await,
        )?;
    }
    for binding in &mut bindings {
        for number in 0..COUNT {
            let Some(message) = binding.next().await else {
                return Err(Violation::new(rule, "the binding ended"));
            };
            let got: u64 = rule.expect("decode", message.decode().await)?;
            rule.ensure(got == number, || format!("wanted {number}, got {got}"))?;
        }
    }
    Ok(())
}
