use crate::Executed;
use std::fmt;

/// Why a body was reset, stopped or refused, or why a request failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// The code of what happened.
    pub code: ReasonCode,
    /// Details, for people.
    pub text: String,
}

macro_rules! codes {
    ($($(#[$doc:meta])* $Name:ident = $code:literal, $Executed:ident, $text:literal;)*) => {
        /// The code of a reason, as encoded in a packet.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum ReasonCode {
            $($(#[$doc])* $Name,)*
            /// A code that this version does not know.
            Other(u64),
        }

        impl ReasonCode {
            /// Returns the number that encodes it in a packet.
            #[must_use]
            pub const fn to_wire(self) -> u64 {
                match self {
                    $(Self::$Name => $code,)*
                    Self::Other(code) => code,
                }
            }

            /// Returns the code with this number.
            #[must_use]
            pub const fn from_wire(code: u64) -> Self {
                match code {
                    $($code => Self::$Name,)*
                    code => Self::Other(code),
                }
            }
        }

        impl ReasonCode {
            /// Returns whether the handler of the peer that sent a frame with this code was
            /// executed. A [`Failure`](super::frame::Frame::Failure) may tell
            /// [more](Self::executed_in_failure).
            #[must_use]
            pub const fn executed(self) -> Executed {
                match self {
                    $(Self::$Name => Executed::$Executed,)*
                    Self::Other(_) => Executed::Maybe,
                }
            }
        }

        impl fmt::Display for ReasonCode {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $(Self::$Name => f.write_str($text),)*
                    Self::Other(code) => write!(f, "it failed for a reason that this version does not know ({code})"),
                }
            }
        }
    };
}

codes! {
    /// The receiver has no room now.
    Overloaded = 1, No, "the receiver has no room for it now";
    /// The receiver is shutting down.
    Draining = 2, No, "the receiver is shutting down";
    /// The receiver does not understand the packet.
    Unsupported = 3, No, "the receiver does not understand it";
    /// The receiver answered after the join window of a broadcast body.
    Late = 4, No, "the receiver answered after the join window";
    /// Another member of the group has the message.
    Taken = 5, No, "another member of the group has it";
    /// The receiver held up the other receivers of a broadcast body for too long.
    Lagged = 6, Maybe, "the receiver held up the others for longer than the lag limit";
    /// The peer does not know the stream, or no longer.
    Gone = 7, Maybe, "the other side does not know it any more";
    /// The sender cancelled.
    Cancelled = 8, Maybe, "the sender gave up";
    /// The producer of the body failed.
    BodyFailed = 9, Maybe, "the producer of the body failed";
    /// The receiver dropped the body before its end.
    Dropped = 10, Maybe, "the receiver dropped it before its end";
    /// The body exceeds a limit of the receiver.
    TooLarge = 11, Maybe, "it exceeds a limit of the receiver";
    /// The length or the checksum does not match.
    Corrupt = 12, Maybe, "length or checksum do not match";
    /// The peer was silent for the idle limit.
    Lost = 13, Maybe, "nothing was heard of the other side within the idle limit";
    /// The handler could not decode the message.
    NotDecoded = 14, Maybe, "the handler could not decode it";
    /// The handler returned an error.
    HandlerFailed = 15, Yes, "the handler failed";
    /// The handler panicked.
    Panicked = 16, Yes, "the handler panicked";
    /// The handler ended without a reply.
    NoReply = 17, Yes, "the handler ended without a reply";
    /// The conduit was closed.
    Closed = 18, Maybe, "the conduit was closed";
    /// The deadline passed.
    Deadline = 19, Maybe, "the deadline passed";
    /// The receiver does not want the message.
    Refused = 20, No, "the receiver refused it";
}

impl ReasonCode {
    /// Returns the same for a [`Failure`](super::frame::Frame::Failure) with this code, which tells
    /// whether the function of the handler had started.
    #[must_use]
    pub const fn executed_in_failure(self, started: bool) -> Executed {
        match self {
            _ if started => Executed::Yes,
            // What was to give the function its value has failed: the function was not called.
            Self::NotDecoded | Self::TooLarge | Self::HandlerFailed | Self::Panicked => {
                Executed::No
            }
            code => code.executed(),
        }
    }
}

impl ReasonCode {
    /// Returns whether a receiver with this code never accepted the message: no handler has started
    /// there.
    pub(super) const fn is_refusal(self) -> bool {
        self.is_passing() || matches!(self, Self::Refused)
    }

    /// Returns whether it is a refusal that another member of the group, or a later offer, may not
    /// repeat.
    pub(super) const fn is_passing(self) -> bool {
        matches!(self, Self::Overloaded | Self::Draining | Self::Unsupported)
    }
}

impl Reason {
    /// The maximum length of a text that is sent, in bytes.
    pub const MAX_TEXT: usize = 1024;

    /// Creates a reason with a text, which is cut to [`MAX_TEXT`](Self::MAX_TEXT).
    pub fn new(code: ReasonCode, text: impl Into<String>) -> Self {
        let mut text = text.into();
        text.truncate(Self::cut(&text, Self::MAX_TEXT).len());
        Self { code, text }
    }

    /// Cuts a text to at most `most` bytes, between characters.
    pub(crate) fn cut(text: &str, most: usize) -> &str {
        let mut end = text.len().min(most);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        &text[..end]
    }
}

impl From<ReasonCode> for Reason {
    fn from(code: ReasonCode) -> Self {
        Self { code, text: String::new() }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.text.as_str() {
            "" => self.code.fmt(f),
            text => write!(f, "{}: {text}", self.code),
        }
    }
}
