//! Frames of AMQP 0-9-1, as far as a server sends them here.

mod parse;

use bytes::Bytes;

/// The longest frame that is taken, besides its 8 bytes of framing. It is what a server is asked for.
pub(crate) const MAX_FRAME: usize = 128 << 10;

/// What a server sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Frame {
    Method(Method),
    /// What the content after `basic.deliver` and `basic.return` is.
    Header {
        size: u64,
        correlation: Option<u64>,
    },
    Body(Bytes),
    Heartbeat,
}

/// A method. Those that only say that something was done are one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Method {
    Start {
        mechanisms: Bytes,
    },
    Tune {
        channels: u16,
        frame: u32,
        heartbeat: u16,
    },
    Opened,
    ConnectionClose(Fault),
    ConnectionClosed,
    Blocked(String),
    Unblocked,
    ChannelClose(Fault),
    ChannelClosed,
    /// `channel.flow`, which no server of today sends.
    Flow(bool),
    Declared,
    QueueDeclared {
        messages: u32,
        consumers: u32,
    },
    Bound,
    Unbound,
    QosSet,
    Consuming,
    /// A consumer was cancelled as it was asked for.
    Cancelled,
    /// The server has cancelled a consumer, whose queue is gone.
    Cancel,
    Return,
    Deliver {
        tag: u64,
        redelivered: bool,
    },
    Ack {
        tag: u64,
        multiple: bool,
    },
    Nack {
        tag: u64,
        multiple: bool,
    },
    /// Anything else that was done.
    Done,
}

/// Why a server has closed a channel or a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) code: u16,
    pub(crate) text: String,
}

impl Fault {
    /// Returns whether something is not permitted.
    pub(crate) fn is_denied(&self) -> bool {
        self.code == 403
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({})", self.text, self.code)
    }
}

/// What is no AMQP, or too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Malformed(&'static str);

impl Malformed {
    pub(crate) const fn new(why: &'static str) -> Self {
        Self(why)
    }
}

impl std::fmt::Display for Malformed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the server does not speak AMQP 0-9-1: {}", self.0)
    }
}

impl std::error::Error for Malformed {}
