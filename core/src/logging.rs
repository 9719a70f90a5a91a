//! What a conduit logs, through [`tracing`](https://docs.rs/tracing).
//!
//! | target | level | message |
//! | --- | --- | --- |
//! | `conduit::handler` | WARN | a handler failed |
//! | `conduit::handler` | WARN | a message could not be decoded |
//! | `conduit::handler` | ERROR | a handler panicked |
//! | `conduit::handler` | WARN | a handler ran out of time |
//! | `conduit::handler` | WARN | a handler was cut off by its asker |
//! | `conduit::handler` | WARN | a handler was cut off by closing |
//! | `conduit::binding` | WARN | a binding is full and drops messages |
//! | `conduit::binding` | WARN | messages were lost on the way |
//! | `conduit::packet` | WARN | a packet was not understood |
//! | `conduit::packet` | WARN | too many refusals, cancellations and failures wait to be sent |
//! | `conduit::packet` | DEBUG | a packet could not be sent |
//! | `conduit::conduit` | ERROR | the inbox of this instance could not be subscribed |
//! | `conduit::conduit` | ERROR | the transport is gone, and the conduit closes |
//! | `conduit::conduit` | INFO | the last handle of a conduit was dropped: it closes, and its handlers end |
//! | `conduit::conduit` | DEBUG | a subject could not be left |
//! | `conduit::conduit` | DEBUG | the last packets may not have reached the broker |
//!
//! Each has these fields, where they are known: `subject`; `source` and `instance`, the service and
//! the instance that the message came from; `count`, how many messages or packets it is about, if not
//! one; `error`, what failed, with all its causes, each once.
//!
//! What happens again in the same binding within 10 seconds is counted, and told in one line when they
//! are over, or when the conduit closes: `a handler failed, and 312 more in 10 s`, with the number in
//! the field `more`, and the source of the last. The next one is then told in full again.
//!
//! No line has a body in it: what a format says of a value that it could not decode is told without
//! the value. `error` has 1,024 bytes and a few at most, so that a line has less than 2 KiB, and
//! everything that another process wrote is in it without control characters. What the error of a
//! handler prints is told as it is: it is the application's own.
//!
//! Transports have targets of their own; their documentation lists what they tell.

mod repeats;

pub use self::repeats::{Noted, Repeated, Repeats};
pub use crate::error::OneLine;
