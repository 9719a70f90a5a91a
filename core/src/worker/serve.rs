//! Handlers that take a value.

use std::{error::Error as StdError, sync::Arc};

use super::{HandlerOutput, sealed::Sealed};
use crate::{Decode, Encode, Message};

/// Decodes a message, runs a function on the value, and replies with what it returns.
pub(crate) async fn serve<E, T, V, X, F, R>(
    function: Arc<F>,
    message: Message<E>,
) -> Result<(), Box<dyn StdError + Send + Sync>>
where
    E: Decode<T> + Encode<V>,
    F: Fn(T, Message<E>) -> R + Send + Sync,
    R: Future<Output = Result<V, X>> + Send,
    X: Into<Box<dyn StdError + Send + Sync>>,
{
    let value = message.decode().await?;
    message.begin();
    let responder = message.responder();
    let handling = function(value, message);
    let replying = match (handling.await, responder) {
        (Err(error), _) => return Err(error.into()),
        // The message is not a request, so there is no reply.
        (Ok(_), None) => return Ok(()),
        (Ok(value), Some(responder)) => responder.reply(&value),
    };
    Ok(replying.await?)
}

/// Decodes a message, and runs a function on the value.
pub(crate) async fn take<E, T, F, R>(
    function: Arc<F>,
    message: Message<E>,
) -> Result<(), Box<dyn StdError + Send + Sync>>
where
    E: Decode<T>,
    F: Fn(T) -> R + Send + Sync,
    R: Future<Output: HandlerOutput> + Send,
{
    let value = message.decode().await?;
    message.begin();
    // The output is not kept: it need not be `Send`.
    let outcome = function(value).await.into_error();
    outcome.map_or(Ok(()), Err)
}
