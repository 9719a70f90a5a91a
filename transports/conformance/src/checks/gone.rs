//! The transport's own contract: who is gone gets nothing, and leaves nothing to others.

use std::sync::Arc;

use conduit::transport::Targets;

use crate::{
    Broker, Guarantee, Violation, World,
    wire::{Wire, subject},
};

/// A member of a group that was dropped, without having left, takes nothing from the others.
///
/// # Errors
/// What does not hold.
pub async fn a_dropped_member_takes_nothing<B: Broker>(
    world: Arc<World<B>>,
) -> Result<(), Violation> {
    let rule = Guarantee::Queue;
    let (near, far) = (Wire::connect(&world, rule).await, Wire::connect(&world, rule).await);
    let at = subject(Targets::Group);
    let gone = near.subscribe(&at).await?;
    let mut stays = far.subscribe(&at).await?;
    drop(gone);
    near.flush().await?;
    for number in 0..100 {
        near.publish_number(&at, number).await?;
        let got = stays.number().await?;
        rule.ensure(got == number, || format!("wanted {number}, got {got}"))?;
    }
    Ok(())
}

/// What was published while nobody was subscribed reaches nobody, whoever was subscribed before or
/// will be after.
///
/// # Errors
/// What does not hold.
pub async fn a_later_subscriber_gets_nothing_old<B: Broker>(
    world: Arc<World<B>>,
) -> Result<(), Violation> {
    let rule = Guarantee::Leaving;
    let (near, far) = (Wire::connect(&world, rule).await, Wire::connect(&world, rule).await);
    for targets in [Targets::Plain, Targets::Group] {
        let at = subject(targets);
        for (round, leaves) in (0..).zip([true, false, true]) {
            let mut ear = near.subscribe(&at).await?;
            far.publish_number(&at, 2 * round).await?;
            let got = ear.number().await?;
            rule.ensure(got == 2 * round, || {
                format!("{targets:?} in round {round}: wanted {}, got {got}", 2 * round)
            })?;
            if leaves {
                ear.leave().await?;
            }
            drop(ear);
            near.flush().await?;
            far.publish_number(&at, 2 * round + 1).await?;
            far.flush().await?;
        }
    }
    Ok(())
}
