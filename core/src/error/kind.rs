use std::fmt;

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
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
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
    /// A service name or a subject breaks a rule; the source is a [`NameError`](crate::NameError).
    InvalidName => "the name is not valid";
    /// A header breaks a rule; the source is a [`HeaderError`](crate::HeaderError).
    InvalidHeader => "the header is not valid";
    /// A limit given to the builder makes no sense.
    InvalidLimit => "the limit is not valid";
    /// The encoder cannot express the value; the source is the encoder's error.
    Encode => "the value could not be encoded";
    /// The body is not what was to be decoded; the source is the encoder's error.
    Decode => "the body could not be decoded";
    /// The body was made by another encoder.
    ContentType => "the body is of another content type";
    /// The body does not fit the limit for bodies held in memory, or a packet does not fit the broker.
    TooLarge => "the body is too large";
    /// Nobody is subscribed. Usually a service that is not running, or a misspelt name.
    NoReceivers => "nobody listens there";
    /// Nobody answered an offer within the send timeout, or said to have a request. What a plain
    /// binding failed with is the source, where it is not known whether there is a group.
    NoAnswer => "nobody answered";
    /// Every receiver that answered has its hands full. Try later.
    Overloaded => "the receiver has no room for it now";
    /// The receiver is shutting down. Another instance may take it.
    Draining => "the receiver is shutting down";
    /// The receiver does not understand what was sent: it speaks an older version of the protocol.
    Unsupported => "the receiver does not understand it";
    /// The handler at the other side could not decode the message.
    NotDecoded => "the handler could not decode the message";
    /// The handler at the other side returned an error.
    HandlerFailed => "the handler failed";
    /// The handler at the other side panicked.
    HandlerPanicked => "the handler panicked";
    /// The handler at the other side ended without a reply.
    NoReply => "the handler ended without a reply";
    /// Nothing was heard of the other side for the idle limit. Usually a crash or a broken network.
    Lost => "the other side is gone";
    /// The other side gave up.
    Cancelled => "the other side gave up";
    /// The time for the request has passed.
    Deadline => "the deadline passed";
    /// There was no connection to the broker for the send timeout. Nothing was executed, unless the
    /// client had taken a packet before.
    Disconnected => "there is no connection to the broker";
    /// The conduit was closed, here or at the other side, or what it runs in is gone.
    Closed => "the conduit is closed";
    /// The broker does not permit it.
    Denied => "the broker does not permit it";
    /// The transport failed otherwise; the source says why.
    Transport => "the transport failed";
    /// The body was taken, or read in part, before.
    BodyTaken => "the body was taken before";
    /// The body is not UTF-8.
    NotText => "the body is not UTF-8";
    /// There is nobody to reply to: the message was sent one way.
    NotARequest => "the message is not a request";
    /// The request was answered before.
    AlreadyReplied => "the request was answered before";
    /// The receiver answered a broadcast body after the join window.
    Late => "the receiver answered after the join window";
    /// The receiver held up the other receivers of a broadcast body for longer than the lag limit.
    Lagged => "the receiver held up the others for longer than the lag limit";
    /// The receiver dropped the body before its end.
    Dropped => "the receiver dropped the body before its end";
    /// The source of the body failed, here or at the other side, or it was not as long as announced.
    SourceFailed => "the source of the body failed";
    /// Length or checksum of the body do not match.
    Corrupt => "length or checksum of the body do not match";
    /// Something that this version does not know.
    Other => "it failed";
}
