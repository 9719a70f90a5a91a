//! Bodies whose producer fails: an error at both sides, never a wrong Ok.

use std::sync::Arc;

use conduit::{Body, Error, ErrorKind};

use crate::{
    Broker, Guarantee, Violation, World,
    odd::Odd,
    pattern::Pattern,
    quiet::Quiet,
    way::{Direction, Way},
};

const TEXT: &str = "the disk is on fire";
const RULE: Guarantee = Guarantee::Errors;

/// G8: a producer that fails in the middle is `BodyFailed` with its text at both sides.
///
/// # Errors
/// What does not hold.
pub async fn a_source_that_fails_is_an_error_at_both_sides<B: Broker>(
    world: Arc<World<B>>,
) -> Result<(), Violation> {
    for direction in Direction::ALL {
        for at in [100, 300_000] {
            let pattern = Pattern::new(at, 1 << 20);
            let sources: [fn(Odd) -> Body; 3] =
                [Body::reader, Body::stream, |odd| Body::sized_reader(odd, 1 << 20)];
            for source in sources {
                let (gate, odd) = Odd::new(pattern).waits(at);
                let mut way = Way::new(&world, direction).await?;
                let (sender, receiver) = (way.sender.clone(), way.receiver.clone());
                let quiet = Quiet::of(&world, [&sender, &receiver]).await?;
                let mut transfer = way.begin(source(odd.fails(at, TEXT))).await;
                let (mut reading, message) = transfer.reading(pattern)?;
                reading.until(at).await?;
                drop(gate);
                is_body_failed(&reading.failure().await?, TEXT)?;
                is_body_failed(&failure(transfer.sent.await)?, TEXT)?;
                drop(message);
                quiet.returns(&world).await?;
            }
        }
    }
    Ok(())
}

/// G8: a producer that fails before anything was sent is too, for whoever waits for the body.
///
/// # Errors
/// What does not hold.
pub async fn a_source_that_fails_at_once_is_an_error<B: Broker>(
    world: Arc<World<B>>,
) -> Result<(), Violation> {
    for direction in Direction::ALL {
        let mut way = Way::new(&world, direction).await?;
        for at in [0, 100] {
            let odd = Odd::fast(Pattern::new(at, 1 << 20)).fails(at, TEXT);
            let transfer = way.begin(Body::reader(odd)).await;
            is_body_failed(&failure(transfer.sent.await)?, TEXT)?;
            match (direction, transfer.arrived) {
                (Direction::Reply, Some(reply)) => is_body_failed(&failure(reply)?, TEXT)?,
                (_, arrived) => RULE.ensure(arrived.is_none(), || {
                    format!("a message of a failed source arrives: {arrived:?}")
                })?,
            }
        }
        // The way is not harmed.
        let pattern = Pattern::new(1, 100);
        way.carries(pattern.bytes(), pattern).await?;
    }
    Ok(())
}

/// G8: a producer that is longer or shorter than was announced is an error at both sides.
///
/// # Errors
/// What does not hold.
pub async fn a_source_of_another_length_is_an_error_at_both_sides<B: Broker>(
    world: Arc<World<B>>,
) -> Result<(), Violation> {
    const LENGTH: u64 = 200_000;
    for direction in Direction::ALL {
        for announced in [LENGTH - 1, LENGTH + 1, LENGTH * 2, LENGTH / 2] {
            let sources: [fn(Odd, u64) -> Body; 2] = [
                |odd, length| Body::sized_reader(odd, length),
                |odd, length| Body::sized_stream(odd, length),
            ];
            for source in sources {
                let pattern = Pattern::new(announced, LENGTH);
                let (gate, odd) = Odd::new(pattern).waits(LENGTH / 3);
                let mut way = Way::new(&world, direction).await?;
                let mut transfer = way.begin(source(odd, announced)).await;
                let (mut reading, message) = transfer.reading(pattern)?;
                reading.until(LENGTH / 3).await?;
                drop(gate);
                let text = if announced < LENGTH { "longer" } else { "shorter" };
                is_body_failed(&reading.failure().await?, text)?;
                is_body_failed(&failure(transfer.sent.await)?, text)?;
                drop(message);
            }
        }
    }
    Ok(())
}

/// G8: so it is where the announced length fits one packet.
///
/// # Errors
/// What does not hold.
pub async fn a_short_source_of_another_length_is_an_error<B: Broker>(
    world: Arc<World<B>>,
) -> Result<(), Violation> {
    const LENGTH: u64 = 100;
    for direction in Direction::ALL {
        let mut way = Way::new(&world, direction).await?;
        for announced in [0, LENGTH - 1, LENGTH + 1] {
            let odd = Odd::fast(Pattern::new(announced, LENGTH));
            let transfer = way.begin(Body::sized_reader(odd, announced)).await;
            let text = if announced < LENGTH { "longer" } else { "shorter" };
            is_body_failed(&failure(transfer.sent.await)?, text)?;
            if let Some(reply) = transfer.arrived {
                is_body_failed(&failure(reply)?, text)?;
            }
        }
    }
    Ok(())
}

fn failure<T>(result: Result<T, Error>) -> Result<Error, Violation> {
    match result {
        Err(error) => Ok(error),
        Ok(_) => Err(Violation::new(RULE, "a wrong Ok for a producer that failed")),
    }
}

fn is_body_failed(error: &Error, text: &str) -> Result<(), Violation> {
    let holds = error.kind() == ErrorKind::BodyFailed && format!("{error:#}").contains(text);
    RULE.ensure(holds, || format!("wanted `BodyFailed` and {text:?}, got {error:?}"))
}
