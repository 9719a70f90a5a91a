//! The events that are logged, with their texts: the table of [`logging`](crate::logging).

use std::fmt;

use crate::{Source, Subject, logging::Repeated};

macro_rules! events {
    ($($Name:ident: $target:literal $LEVEL:ident $message:literal;)*) => {
        /// An event to log.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub(crate) enum Logged {
            $($Name,)*
        }

        impl Logged {
            #[cfg(test)]
            pub(super) const TABLE: &[&str] = &[$(
                concat!("| `", $target, "` | ", stringify!($LEVEL), " | ", $message, " |"),
            )*];

            pub(super) fn is_enabled(self) -> bool {
                match self {
                    $(Self::$Name => tracing::enabled!(target: $target, tracing::Level::$LEVEL),)*
                }
            }

            pub(super) fn write(self, seen: &EventFields<'_>, repeated: Option<&Repeated<Option<Source>>>) {
                let EventFields { subject, source, count, error } = seen;
                match self {
                    $(Self::$Name => tracing::event!(
                        target: $target,
                        tracing::Level::$LEVEL,
                        subject = subject.map(tracing::field::display),
                        source = source.map(|source| tracing::field::display(&source.service)),
                        instance = source.map(|source| tracing::field::display(source.instance)),
                        count = (*count > 1).then_some(*count),
                        more = repeated.map(|repeated| repeated.more),
                        error = error.map(tracing::field::display),
                        "{}{}", $message, And(repeated)
                    ),)*
                }
            }
        }
    };
}

events! {
    HandlerFailed: "conduit::handler" WARN "a handler failed";
    NotDecoded: "conduit::handler" WARN "a message could not be decoded";
    HandlerPanicked: "conduit::handler" ERROR "a handler panicked";
    OutOfTime: "conduit::handler" WARN "a handler ran out of time";
    CutOffByAsker: "conduit::handler" WARN "a handler was cut off by its asker";
    CutOffByClosing: "conduit::handler" WARN "a handler was cut off by closing";
    Lost: "conduit::binding" WARN "a binding is full and drops messages";
    Missed: "conduit::binding" WARN "messages were lost on the way";
    Refused: "conduit::layer" WARN "a layer refused a message";
    NotUnderstood: "conduit::packet" WARN "a packet was not understood";
    OutboxFull: "conduit::packet" WARN "the outbox is full and drops refusals, cancellations and failures";
    Unsent: "conduit::packet" WARN "messages that were accepted could not be sent";
    NotSent: "conduit::packet" DEBUG "a packet could not be sent";
    NoInbox: "conduit::conduit" ERROR "the inbox of this instance could not be subscribed";
    NotDiscoverable: "conduit::conduit" WARN "this instance cannot be discovered: the directory could not be subscribed";
    TransportGone: "conduit::conduit" ERROR "the transport is gone, and the conduit closes";
    NotLeft: "conduit::conduit" DEBUG "a subject could not be left";
    NotFlushed: "conduit::conduit" DEBUG "the last packets may not have reached the broker";
}

/// The fields of an event.
#[derive(Clone, Copy, Default)]
pub(crate) struct EventFields<'a> {
    pub(crate) subject: Option<&'a Subject>,
    pub(crate) source: Option<&'a Source>,
    /// The number of messages or packets.
    pub(crate) count: u64,
    /// The error, which prints one line of bounded length.
    pub(crate) error: Option<&'a dyn fmt::Display>,
}

impl<'a> EventFields<'a> {
    pub(crate) fn about(subject: &'a Subject, source: &'a Source, count: u64) -> Self {
        Self { subject: Some(subject), source: Some(source), count, error: None }
    }

    pub(crate) fn error(error: &'a dyn fmt::Display) -> Self {
        Self { error: Some(error), ..Self::default() }
    }
}

struct And<'a>(Option<&'a Repeated<Option<Source>>>);

impl fmt::Display for And<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |repeated| write!(f, ", {repeated}"))
    }
}
