//! The transport's own contract: a subscription that has ended gets nothing, and leaves nothing behind.

use std::sync::Arc;

use conduit::transport::Targets;

use crate::{
    Broker, Guarantee, Violation, World,
    wire::{Wire, subject},
};

/// Routes nothing to a member of a group that was dropped without having left.
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

/// Drops a packet that is published while there is no subscription: earlier and later ones do not get it.
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
