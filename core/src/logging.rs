//! The events that a conduit logs through [`tracing`](https://docs.rs/tracing).
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
//! | `conduit::layer` | WARN | a layer refused a message |
//! | `conduit::packet` | WARN | a packet was not understood |
//! | `conduit::packet` | WARN | the outbox is full and drops refusals, cancellations and failures |
//! | `conduit::packet` | WARN | messages that were accepted could not be sent |
//! | `conduit::packet` | DEBUG | a packet could not be sent |
//! | `conduit::conduit` | ERROR | the inbox of this instance could not be subscribed |
//! | `conduit::conduit` | WARN | this instance cannot be discovered: the directory could not be subscribed |
//! | `conduit::conduit` | ERROR | the transport is gone, and the conduit closes |
//! | `conduit::conduit` | INFO | the last handle of a conduit was dropped: it closes, and its handlers end |
//! | `conduit::conduit` | DEBUG | a subject could not be left |
//! | `conduit::conduit` | DEBUG | the last packets may not have reached the broker |
//!
//! Each event has these fields, as far as they are known: `subject`; `source` and `instance`, the
//! service and the instance that sent the message; `count`, the number of messages or packets, if
//! it is not one; `error`, the error with all its causes, each once.
//!
//! Repetitions of an event in the same binding within 10 seconds are counted, and logged in one
//! line at the end of that time, or when the conduit closes: `a handler failed, and 312 more in 10
//! s`, with the number in the field `more`, and the source of the last one. The next event after
//! that is logged in full.
//!
//! No line contains a body: the errors of formats are logged without the values that they quote.
//! `error` has slightly more than 1,024 bytes at most, so that a line is shorter than 2 KiB, and
//! control characters in texts of other processes are escaped. The text of a handler's own error is
//! logged unchanged, since it comes from the application.
//!
//! A handler, the function of [`to`](crate::Binding::to), [`serve`](crate::Binding::serve) or
//! [`serve_with`](crate::Binding::serve_with), runs in a span with the target `conduit`, the level DEBUG
//! and the name `handler`, within those that [layers](crate::layer) enter. Its fields are `service`,
//! this one; `subject`; `source` and `instance`, the sender's; and `request`, the id of a request. What
//! the handler logs names the message by it.
//!
//! Transports have targets of their own; their documentation lists the events.

mod repeats;

pub use self::repeats::{Noted, Repeated, Repeats};
pub use crate::error::{Causes, OneLine};
