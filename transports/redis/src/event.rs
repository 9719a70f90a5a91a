use std::fmt;

use conduit::logging::OneLine;
use conduit_kit::{Announced, Event};

/// What happened to a connection. Prints as one line, whatever the server says.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RedisEvent {
    /// The connection is made, for the first time or again. Subscriptions are made anew by
    /// themselves. In a cluster: none that was lost is missing any more.
    Connected,
    /// The connection is lost, in a cluster that to one server, or slots have moved. It is being made
    /// again.
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

impl Event for RedisEvent {
    fn missed(count: u64) -> Self {
        Self::Missed(count)
    }

    fn floods(&self) -> bool {
        matches!(self, Self::SlowConsumer | Self::ConnectFailed(_) | Self::ServerError(_))
    }

    fn repeats_as(&self) -> Option<&'static str> {
        match self {
            Self::SlowConsumer => Some("slow consumer"),
            Self::Denied(_) => Some("denied"),
            Self::ServerError(_) => Some("server error"),
            Self::ConnectFailed(_) => Some("connect failed"),
            _ => None,
        }
    }

    fn log(&self, more: Option<u64>, before: &str) {
        match self {
            Self::Connected => tracing::info!(target: "conduit_redis", more, "{self}{before}"),
            Self::Denied(_) | Self::ServerError(_) => {
                tracing::error!(target: "conduit_redis", more, "{self}{before}");
            }
            Self::Closed => tracing::debug!(target: "conduit_redis", more, "{self}{before}"),
            _ => tracing::warn!(target: "conduit_redis", more, "{self}{before}"),
        }
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
/// A [`Stream`](futures_core::Stream) that ends with the connection. It holds 256 events; a reader that is too slow loses
/// the oldest, and is told by [`RedisEvent::Missed`].
pub type Events = Announced<RedisEvent>;

#[cfg(test)]
mod tests {
    use futures_lite::{StreamExt, future::block_on};

    use conduit_kit::Announcer;

    use super::RedisEvent;

    /// How many events wait for a reader.
    const KEPT: usize = 256;

    #[test]
    fn who_reads_too_slowly_is_told() {
        let announcer = Announcer::default();
        let events = announcer.listen();
        for _ in 0..KEPT + 43 {
            announcer.announce(RedisEvent::Connected);
        }
        announcer.announce(RedisEvent::Closed);
        announcer.close();
        let events = block_on(events.collect::<Vec<_>>());
        assert_eq!(events.first(), Some(&RedisEvent::Missed(44)));
        assert_eq!(events.last(), Some(&RedisEvent::Closed));
        assert_eq!(events.len(), 1 + KEPT);
    }

    #[test]
    fn a_flood_is_told_once() {
        let announcer = Announcer::default();
        let events = announcer.listen();
        for _ in 0..1000 {
            announcer.announce(RedisEvent::SlowConsumer);
        }
        announcer.announce(RedisEvent::Closed);
        announcer.close();
        let events = block_on(events.collect::<Vec<_>>());
        assert!(events.len() < 10, "{events:?}");
    }
}
