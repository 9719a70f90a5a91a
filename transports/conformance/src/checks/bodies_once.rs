//! What comes with a body, and what can be done with a message only once.

use std::sync::Arc;

use conduit::{Body, Error, ErrorKind, Message};

use crate::{
    Broker, Guarantee, Number, Violation, World,
    odd::Odd,
    pattern::Pattern,
    reading::Reading,
    way::{Direction, HEADER, Way},
};

const RULE: Guarantee = Guarantee::Errors;

/// Headers and the length arrive with one-packet and streamed bodies, however they are sent.
///
/// # Errors
/// What does not hold.
pub async fn headers_and_length_arrive<B: Broker>(world: Arc<World<B>>) -> Result<(), Violation> {
    let (key, value) = HEADER;
    for direction in Direction::ALL {
        let mut way = Way::new(&world, direction).await?;
        for length in [100, 100_000] {
            let pattern = Pattern::new(length, length);
            let bodies = [
                (Body::from(pattern.bytes()), Some(length)),
                (Body::sized_reader(Odd::late(pattern), length), Some(length)),
                (Body::reader(Odd::late(pattern)), None),
            ];
            for (body, announced) in bodies {
                let mut transfer = way.begin(body).await;
                let message = transfer.message()?;
                let headers = message.headers();
                RULE.ensure(headers.get(key) == Some(value) && headers.len() == 1, || {
                    format!("other headers: {headers:?}")
                })?;
                let source = message.source();
                RULE.ensure(source.instance == way.sender.instance(), || {
                    format!("another sender: {source:?}")
                })?;
                let body = RULE.expect("take the body", message.take_body())?;
                let length = body.len();
                RULE.ensure(length == announced, || format!("another length: {length:?}"))?;
                Reading::new(body, pattern).whole().await?;
                transfer.ends_well(message).await?;
            }
        }
    }
    Ok(())
}

/// A body can be taken once, and not after it was read in part.
///
/// # Errors
/// What does not hold.
pub async fn a_body_is_taken_once<B: Broker>(world: Arc<World<B>>) -> Result<(), Violation> {
    let taken = ErrorKind::BodyTaken;
    for direction in Direction::ALL {
        let mut way = Way::new(&world, direction).await?;
        for length in [100, 100_000] {
            let pattern = Pattern::new(length, length);
            let mut transfer = way.begin(pattern.bytes()).await;
            let (reading, message) = transfer.reading(pattern)?;
            is(taken, message.take_body())?;
            is(taken, message.to_bytes().await)?;
            is(taken, message.text().await)?;
            is(taken, message.decode::<u64>().await)?;
            reading.whole().await?;
            transfer.ends_well(message).await?;

            let mut transfer = way.begin(pattern.bytes()).await;
            let mut message = transfer.message()?;
            let first = RULE.expect("read", read(&mut message, 10).await)?;
            is(taken, message.take_body())?;
            is(taken, message.to_bytes().await)?;
            // Reading goes on where it was.
            let rest = RULE.expect("read", read(&mut message, length).await)?;
            let holds = pattern.matches(0, &first) && pattern.matches(10, &rest);
            RULE.ensure(holds && rest.len() as u64 == length - 10, || "other bytes".to_owned())?;
            transfer.ends_well(message).await?;
        }
    }
    Ok(())
}

/// Reads at most so much.
async fn read(message: &mut Message<Number>, length: u64) -> std::io::Result<Vec<u8>> {
    // Not for the whole file: its `bytes` would hide the message's.
    use futures_lite::AsyncReadExt;
    let mut bytes = Vec::new();
    message.take(length).read_to_end(&mut bytes).await?;
    Ok(bytes)
}

/// A request is answered once, and nothing else is answered.
///
/// # Errors
/// What does not hold.
pub async fn a_request_is_answered_once<B: Broker>(world: Arc<World<B>>) -> Result<(), Violation> {
    for length in [100, 100_000] {
        let pattern = Pattern::new(length, length);
        let mut way = Way::new(&world, Direction::Request).await?;
        let mut transfer = way.begin(pattern.bytes()).await;
        let (reading, message) = transfer.reading(pattern)?;
        reading.whole().await?;
        RULE.expect("reply", message.reply(&1).await)?;
        is(ErrorKind::AlreadyReplied, message.reply(&2).await)?;
        is(ErrorKind::AlreadyReplied, message.reply_body("two").await)?;
        RULE.expect("request", transfer.sent.await)?;

        for direction in [Direction::Send, Direction::Reply] {
            let mut way = Way::new(&world, direction).await?;
            let mut transfer = way.begin(pattern.bytes()).await;
            let (reading, message) = transfer.reading(pattern)?;
            RULE.ensure(!message.is_request(), || "it is a request".to_owned())?;
            is(ErrorKind::NotARequest, message.reply(&1).await)?;
            is(ErrorKind::NotARequest, message.reply_body(()).await)?;
            reading.whole().await?;
            transfer.ends_well(message).await?;
        }
    }
    Ok(())
}

fn is<T>(kind: ErrorKind, result: Result<T, Error>) -> Result<(), Violation> {
    let error = result.err();
    let holds = error.as_ref().is_some_and(|error| error.kind() == kind);
    RULE.ensure(holds, || format!("wanted {kind:?}, got {error:?}"))
}
