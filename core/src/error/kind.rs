use std::fmt;

use crate::proto::ReasonCode;

macro_rules! kinds {
    ($($(#[$doc:meta])* $Name:ident => $text:literal;)*) => {
        /// The kinds of [`Error`](crate::Error). More may come.
        ///
        /// ```
        /// use conduit::{Error, ErrorKind};
        ///
        /// fn status(error: &Error) -> u16 {
        ///     match error.kind() {
        ///         ErrorKind::NotDecoded | ErrorKind::TooLarge => 400,
        ///         ErrorKind::Overloaded | ErrorKind::Draining | ErrorKind::NoReceivers => 503,
        ///         ErrorKind::Deadline => 504,
        ///         _ => 500,
        ///     }
        /// }
        ///
        /// assert_eq!(status(&ErrorKind::Draining.into()), 503);
        /// ```
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum ErrorKind {
            $($(#[$doc])* $Name,)*
        }

        impl fmt::Display for ErrorKind {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $(Self::$Name => $text,)* })
            }
        }
    };
}

kinds! {
    /// A service name or a subject breaks a rule; the cause is a [`NameError`](crate::NameError).
    InvalidName => "the name is not valid";
    /// A header breaks a rule; the cause is a [`HeaderError`](crate::HeaderError).
    InvalidHeader => "the header is not valid";
    /// A limit given to the builder is out of range, or contradicts another one.
    InvalidLimit => "the limit is not valid";
    /// The encoder cannot express the value; the cause is the encoder's error.
    Encode => "the value could not be encoded";
    /// The body is not an encoded value of the expected type; the cause is the encoder's error.
    Decode => "the body could not be decoded";
    /// The body was made by another encoder.
    ContentType => "the body is of another content type";
    /// The body exceeds the limit for bodies held in memory, or a packet exceeds the broker's
    /// limit.
    TooLarge => "the body is too large";
    /// No receiver is subscribed. Usually the service is not running, or a name is misspelt.
    NoReceivers => "no receiver is subscribed";
    /// No receiver answered an offer, or acknowledged a request, within the send timeout. If it is
    /// not known whether there is a group, the cause is the error of a plain binding that failed.
    NoAnswer => "no receiver answered";
    /// Every receiver that answered is overloaded. Try again later.
    Overloaded => "the receiver has no room for it now";
    /// The receiver is shutting down. Another instance may take it.
    Draining => "the receiver is shutting down";
    /// The receiver does not understand the packet: it implements an older version of the protocol.
    Unsupported => "the receiver does not understand it";
    /// A layer of the receiver refused it, or a layer of this conduit did. The text says why.
    Refused => "the receiver refused it";
    /// A layer of this conduit panicked, or returned the outcome of another call.
    Layer => "a layer failed";
    /// The remote handler could not decode the message.
    NotDecoded => "the handler could not decode the message";
    /// The remote handler returned an error.
    HandlerFailed => "the handler failed";
    /// The remote handler panicked.
    HandlerPanicked => "the handler panicked";
    /// The remote handler ended without a reply.
    NoReply => "the handler ended without a reply";
    /// The peer was silent for the idle limit. Usually it crashed, or the network is broken.
    Lost => "the other side is gone";
    /// The peer cancelled.
    Cancelled => "the other side gave up";
    /// The deadline of the request has passed.
    Deadline => "the deadline passed";
    /// There was no connection to the broker for the send timeout. Nothing was executed, unless the
    /// broker's client had already accepted a packet.
    Disconnected => "there is no connection to the broker";
    /// The conduit was closed, here or at the peer, or its runtime has shut down.
    Closed => "the conduit is closed";
    /// The broker does not permit it.
    Denied => "the broker does not permit it";
    /// The transport failed for another reason; see its cause.
    Transport => "the transport failed";
    /// The body was already taken, or partly read.
    BodyTaken => "the body was taken before";
    /// The body is not UTF-8.
    NotText => "the body is not UTF-8";
    /// The message was sent one way, so it cannot be replied to.
    NotARequest => "the message is not a request";
    /// The request was already answered.
    AlreadyReplied => "the request was answered before";
    /// The receiver answered the offer of a broadcast body after the join window.
    Late => "the receiver answered after the join window";
    /// The receiver held up the other receivers of a broadcast body for longer than the lag limit.
    Lagged => "the receiver held up the others for longer than the lag limit";
    /// The receiver dropped the body before its end.
    Dropped => "the receiver dropped the body before its end";
    /// The producer of the body failed, here or at the peer, or its length was not as announced.
    BodyFailed => "the producer of the body failed";
    /// The length or the checksum of the body does not match.
    Corrupt => "length or checksum of the body do not match";
    /// A reason that this version does not know.
    Other => "it failed";
}

impl ErrorKind {
    /// Returns the kind of what a peer reports with a code.
    pub(crate) fn of(code: ReasonCode) -> Self {
        use ErrorKind as K;
        match code {
            ReasonCode::Overloaded => K::Overloaded,
            ReasonCode::Draining => K::Draining,
            ReasonCode::Unsupported => K::Unsupported,
            ReasonCode::Late => K::Late,
            ReasonCode::Taken | ReasonCode::Gone | ReasonCode::Lost => K::Lost,
            ReasonCode::Lagged => K::Lagged,
            ReasonCode::Cancelled => K::Cancelled,
            ReasonCode::BodyFailed => K::BodyFailed,
            ReasonCode::Dropped => K::Dropped,
            ReasonCode::TooLarge => K::TooLarge,
            ReasonCode::Corrupt => K::Corrupt,
            ReasonCode::NotDecoded => K::NotDecoded,
            ReasonCode::HandlerFailed => K::HandlerFailed,
            ReasonCode::Panicked => K::HandlerPanicked,
            ReasonCode::NoReply => K::NoReply,
            ReasonCode::Closed => K::Closed,
            ReasonCode::Deadline => K::Deadline,
            ReasonCode::Refused => K::Refused,
            ReasonCode::Other(_) => K::Other,
        }
    }
}
