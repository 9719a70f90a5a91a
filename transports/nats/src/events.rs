use std::fmt;

use async_nats::{ClientError, Event, ServerError};
use conduit::logging::OneLine;
use conduit_kit::Announced;

/// What happened to a connection. Prints as one line, whatever the server says.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum NatsEvent {
    /// The connection is made, for the first time or again. Subscriptions are made anew by
    /// themselves.
    Connected,
    /// The connection is lost. It is being made again, here or to another server of the cluster.
    Disconnected,
    /// The server is about to shut down and asks its clients to move on. It ends the connection
    /// within its `lame_duck_duration`, and then another one is made.
    LameDuck,
    /// A subscription holds as many packets as it may ([`Nats::options`](crate::Nats::options)),
    /// and packets are dropped. Repeated at most once a second.
    SlowConsumer,
    /// The server does not permit a subject; the text is the server's and names it. Where it was a
    /// call of this transport's, the call has said so too.
    Denied(String),
    /// The server reported another error.
    ServerError(String),
    /// An attempt to connect again failed; more are made. Repeated at most once a second.
    ConnectFailed(String),
    /// The connection has ended for good: the last of its transports was closed, or the options
    /// limit the number of attempts. Nothing comes after it.
    Closed,
    /// The reader of this stream was too slow, and so many older events were dropped.
    Missed(u64),
}

impl NatsEvent {
    pub(crate) fn of(event: Event) -> Option<Self> {
        Some(match event {
            Event::Connected => Self::Connected,
            Event::Disconnected => Self::Disconnected,
            Event::LameDuckMode => Self::LameDuck,
            Event::SlowConsumer(_) | Event::ServerError(ServerError::SlowConsumer(_)) => {
                Self::SlowConsumer
            }
            Event::ServerError(ServerError::Other(text)) if text.starts_with("Permissions") => {
                Self::Denied(text)
            }
            Event::ServerError(ServerError::Other(text)) => Self::ServerError(text),
            Event::ServerError(error) => Self::ServerError(error.to_string()),
            Event::ClientError(ClientError::Other(text)) => Self::ConnectFailed(text),
            Event::ClientError(error) => Self::ConnectFailed(error.to_string()),
            Event::Closed => Self::Closed,
            Event::Draining => return None,
        })
    }
}

impl fmt::Display for NatsEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connected => f.write_str("connected to NATS"),
            Self::Disconnected => f.write_str("the connection to NATS is lost"),
            Self::LameDuck => f.write_str("the NATS server is about to shut down"),
            Self::SlowConsumer => f.write_str("a subscription is full and drops packets"),
            Self::Denied(text) => {
                write!(f, "the NATS server does not permit it: {}", OneLine(text))
            }
            Self::ServerError(text) => {
                write!(f, "the NATS server reports an error: {}", OneLine(text))
            }
            Self::ConnectFailed(text) => write!(f, "connecting to NATS failed: {}", OneLine(text)),
            Self::Closed => f.write_str("the connection to NATS is closed"),
            Self::Missed(number) => write!(f, "{number} older events were dropped"),
        }
    }
}

/// The events of a connection, from when this was made by [`Nats::events`](crate::Nats::events).
///
/// A [`Stream`](futures_core::Stream) that ends with the connection. It holds 256 events: a reader that is too slow loses
/// the oldest, and gets [`NatsEvent::Missed`].
pub type Events = Announced<NatsEvent>;
