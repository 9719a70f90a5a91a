use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};

use async_broadcast::{Receiver, RecvError};
use conduit::logging::OneLine;
use futures_core::Stream;

/// What happened to a connection. Prints as one line, whatever the server says.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RedisEvent {
    /// The connection is made, for the first time or again. Subscriptions are made anew by
    /// themselves.
    Connected,
    /// The connection is lost. It is being made again.
    Disconnected(String),
    /// A subscription holds as many bytes as it may
    /// ([`Options::max_waiting`](crate::Options::max_waiting)), and packets are dropped. Repeated at
    /// most once a second.
    SlowConsumer,
    /// The server does not permit it; the text names the channel. Where it was a call of this
    /// transport's, the call has said so too.
    Denied(String),
    /// The server reported another error. Repeated at most once a second.
    ServerError(String),
    /// An attempt to connect again failed; more are made. Repeated at most once a second.
    ConnectFailed(String),
    /// The connection has ended for good: the last of its transports was closed. Nothing comes
    /// after it.
    Closed,
    /// The reader of this stream was too slow, and so many older events were dropped.
    Missed(u64),
}

impl RedisEvent {
    /// Whether it comes so often that it is worth telling once in a while only.
    pub(crate) fn floods(&self) -> bool {
        matches!(self, Self::SlowConsumer | Self::ConnectFailed(_) | Self::ServerError(_))
    }
}

impl fmt::Display for RedisEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connected => f.write_str("connected to Redis"),
            Self::Disconnected(why) => {
                write!(f, "the connection to Redis is lost: {}", OneLine(why))
            }
            Self::SlowConsumer => f.write_str("a subscription is full and drops packets"),
            Self::Denied(text) => {
                write!(f, "the Redis server does not permit it: {}", OneLine(text))
            }
            Self::ServerError(text) => {
                write!(f, "the Redis server reports an error: {}", OneLine(text))
            }
            Self::ConnectFailed(text) => write!(f, "connecting to Redis failed: {}", OneLine(text)),
            Self::Closed => f.write_str("the connection to Redis is closed"),
            Self::Missed(number) => write!(f, "{number} older events were dropped"),
        }
    }
}

/// The events of a connection, from when this was made by [`Redis::events`](crate::Redis::events).
///
/// A [`Stream`] that ends with the connection. It holds 256 events; a reader that is too slow loses
/// the oldest, and is told by [`RedisEvent::Missed`].
pub struct Events(Receiver<RedisEvent>);

impl Events {
    pub(crate) fn new(receiver: Receiver<RedisEvent>) -> Self {
        Self(receiver)
    }
}

impl Stream for Events {
    type Item = RedisEvent;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<RedisEvent>> {
        Poll::Ready(match ready!(Pin::new(&mut self.0).poll_recv(cx)) {
            Some(Ok(event)) => Some(event),
            Some(Err(RecvError::Overflowed(missed))) => Some(RedisEvent::Missed(missed)),
            Some(Err(RecvError::Closed)) | None => None,
        })
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events").finish_non_exhaustive()
    }
}
