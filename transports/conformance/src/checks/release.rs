//! What is not needed any more is released, and whoever has to know is told.

use std::{sync::Arc, time::Duration};

use conduit::{Body, Error, ErrorKind, Executed};

use crate::{
    Broker, Guarantee, Violation, World,
    odd::Odd,
    pattern::Pattern,
    quiet::Quiet,
    way::{Direction, Sent, Way},
};

const RULE: Guarantee = Guarantee::Release;
const LENGTH: u64 = 3 << 20;
const SOON: Duration = Duration::from_secs(30);

/// G10: a message that is dropped unread is released, and the sender of a streamed body is told.
///
/// # Errors
/// What does not hold.
pub async fn a_message_dropped_unread_is_released<B: Broker>(
    world: Arc<World<B>>,
) -> Result<(), Violation> {
    for direction in Direction::ALL {
        let mut way = Way::new(&world, direction).await?;
        for length in [100, LENGTH] {
            let pattern = Pattern::new(1, length);
            let (sender, receiver) = (way.sender.clone(), way.receiver.clone());
            let quiet = Quiet::of(&world, [&sender, &receiver]).await?;
            let mut transfer = way.begin(pattern.bytes()).await;
            drop(transfer.message()?);
            match (direction, length) {
                (Direction::Request, _) => {
                    is_told(&world, ErrorKind::NoReply, transfer.sent).await?;
                }
                (_, LENGTH) => is_told(&world, ErrorKind::Dropped, transfer.sent).await?,
                _ => RULE.expect("send", transfer.sent.await)?,
            }
            quiet.returns(&world).await?;
        }
    }
    Ok(())
}

/// G10: what a reader leaves of a body is released, and the sender is told; a request can be
/// answered all the same.
///
/// # Errors
/// What does not hold.
pub async fn a_body_read_in_half_is_released<B: Broker>(
    world: Arc<World<B>>,
) -> Result<(), Violation> {
    for direction in Direction::ALL {
        let mut way = Way::new(&world, direction).await?;
        let (sender, receiver) = (way.sender.clone(), way.receiver.clone());
        let quiet = Quiet::of(&world, [&sender, &receiver]).await?;
        let pattern = Pattern::new(2, LENGTH);
        let mut transfer = way.begin(Body::reader(Odd::new(pattern))).await;
        let (mut reading, message) = transfer.reading(pattern)?;
        reading.until(LENGTH / 2).await?;
        drop(reading);
        if direction == Direction::Request {
            transfer.ends_well(message).await?;
        } else {
            drop(message);
            is_told(&world, ErrorKind::Dropped, transfer.sent).await?;
        }
        quiet.returns(&world).await?;
    }
    Ok(())
}

/// G10, G13: a message whose sending is dropped in the middle is `Cancelled` for its reader.
///
/// # Errors
/// What does not hold.
pub async fn a_sending_that_is_dropped_is_released<B: Broker>(
    world: Arc<World<B>>,
) -> Result<(), Violation> {
    for direction in Direction::ALL {
        let mut way = Way::new(&world, direction).await?;
        let (sender, receiver) = (way.sender.clone(), way.receiver.clone());
        let quiet = Quiet::of(&world, [&sender, &receiver]).await?;
        let pattern = Pattern::new(3, LENGTH);
        let mut transfer = way.begin(Body::reader(Odd::new(pattern))).await;
        let (mut reading, message) = transfer.reading(pattern)?;
        reading.until(LENGTH / 2).await?;
        transfer.give_up();
        let error = reading.failure().await?;
        RULE.ensure(error.kind() == ErrorKind::Cancelled, || {
            format!("wanted `Cancelled`, got {error:?}")
        })?;
        drop((message, transfer));
        quiet.returns(&world).await?;
    }
    Ok(())
}

/// G10: a streamed body for which nobody is bound is not held, and is no error, as for one packet;
/// a request for which nobody is bound is one.
///
/// # Errors
/// What does not hold.
pub async fn what_nobody_is_bound_to_is_released<B: Broker>(
    world: Arc<World<B>>,
) -> Result<(), Violation> {
    let sender = world.conduit("sender").await;
    let receiver = world.conduit("receiver").await;
    let _another = RULE.expect("bind", receiver.bind("another").await)?;
    let quiet = Quiet::of(&world, [&sender, &receiver]).await?;
    for length in [100, LENGTH] {
        let odd = Odd::fast(Pattern::new(4, length));
        let given = odd.given();
        let to = sender.service("receiver");
        let sending = to.send_body("nobody", Body::sized_reader(odd, length));
        let delivery = RULE.expect("send", sending.await)?;
        let told = delivery.completed().len() + delivery.failed().len();
        RULE.ensure(told == 0, || format!("there is a receiver: {delivery:?}"))?;
        // A packet's worth may be taken, to see whether there is more.
        RULE.ensure(given.get() < LENGTH / 2, || {
            format!("{} bytes were taken for nobody", given.get())
        })?;

        let odd = Odd::fast(Pattern::new(5, length));
        let asking = to.request_body("nobody", Body::sized_reader(odd, length));
        let Err(error) = asking.no_timeout().await else {
            return Err(Violation::new(Guarantee::Undelivered, "nobody replies"));
        };
        let holds = error.kind() == ErrorKind::NoReceivers && error.executed() == Executed::No;
        Guarantee::Undelivered.ensure(holds, || format!("wanted `NoReceivers`, got {error:?}"))?;
        quiet.returns(&world).await?;
    }
    Ok(())
}

async fn is_told<B: Broker>(
    world: &World<B>,
    kind: ErrorKind,
    sent: Sent,
) -> Result<(), Violation> {
    let told = world.within(SOON, RULE, "the sender is told nothing", sent);
    let told = told.await?.map_err(|error: Error| error.kind());
    RULE.ensure(told == Err(kind), || format!("wanted {kind:?} for the sender, got {told:?}"))
}
