use std::fmt;

use conduit::logging::OneLine;
use conduit_kit::{Announced, Event};

/// What happened to a connection. Prints as one line, whatever the server says.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RabbitEvent {
    /// The connection is made, for the first time or again. Subscriptions are made anew by
    /// themselves.
    Connected,
    /// The connection is lost. It is being made again.
    Disconnected(String),
    /// A subscription holds as many bytes as it may
    /// ([`Options::max_waiting`](crate::Options::max_waiting)), and packets are dropped. Repeated at
    /// most once a second.
    SlowConsumer,
    /// The server takes nothing that is published for now, since it is short of memory or of disk space;
    /// the text says of which.
    Blocked(String),
    /// The server takes again what is published.
    Unblocked,
    /// The server does not permit it; the text names the address. Where it was a call of this
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

impl Event for RabbitEvent {
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
            Self::Connected | Self::Unblocked => {
                tracing::info!(target: "conduit_rabbitmq", more, "{self}{before}");
            }
            Self::Denied(_) | Self::ServerError(_) => {
                tracing::error!(target: "conduit_rabbitmq", more, "{self}{before}");
            }
            Self::Closed => tracing::debug!(target: "conduit_rabbitmq", more, "{self}{before}"),
            _ => tracing::warn!(target: "conduit_rabbitmq", more, "{self}{before}"),
        }
    }
}

impl fmt::Display for RabbitEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connected => f.write_str("connected to RabbitMQ"),
            Self::Disconnected(why) => {
                write!(f, "the connection to RabbitMQ is lost: {}", OneLine(why))
            }
            Self::Blocked(why) => {
                write!(f, "the RabbitMQ server takes nothing that is published: {}", OneLine(why))
            }
            Self::Unblocked => f.write_str("the RabbitMQ server takes again what is published"),
            Self::SlowConsumer => f.write_str("a subscription is full and drops packets"),
            Self::Denied(text) => {
                write!(f, "the RabbitMQ server does not permit it: {}", OneLine(text))
            }
            Self::ServerError(text) => {
                write!(f, "the RabbitMQ server reports an error: {}", OneLine(text))
            }
            Self::ConnectFailed(text) => {
                write!(f, "connecting to RabbitMQ failed: {}", OneLine(text))
            }
            Self::Closed => f.write_str("the connection to RabbitMQ is closed"),
            Self::Missed(number) => write!(f, "{number} older events were dropped"),
        }
    }
}

/// The events of a connection, from when this was made by [`RabbitMq::events`](crate::RabbitMq::events).
///
/// A [`Stream`](futures_core::Stream) that ends with the connection. It holds 256 events; a reader that is too slow loses
/// the oldest, and is told by [`RabbitEvent::Missed`].
pub type Events = Announced<RabbitEvent>;
