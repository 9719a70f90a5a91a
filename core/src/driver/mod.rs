//! The driver of a conduit: the loops that drive the machines of [`proto`](crate::proto).
//!
//! # Rooms
//! What everything stands on, and knows none of the others:
//! - `ground`: the configuration, the clock, the tasks, the timers, the transport, the outbox, the log
//!   and the stage of a conduit, and where packets go
//! - `to`: a subject of a service, with what is remembered and numbered there
//! - `tombs`: what is remembered for one idle limit; `waiting`: the budget of bytes that wait
//!
//! From a packet to a handler:
//! - `routes`: the subscriptions of subjects, and who reads them; `inbox`: the inbox and the control
//!   address
//! - `deliver`: from a packet on a subject to the bindings it is for
//! - `arrival`, `mailbox`: a message, and the queue of one binding
//! - `serving`: the requests that are being answered; `overdue`: those that wait for too long
//! - `handing_on`: what no handler here will get, back to its group
//!
//! From a call to its outcome:
//! - `requests`: the requests that wait for answers
//! - `streams`: the bodies that are sent and received
//!
//! What holds them together:
//! - `shared`: the parts of a conduit, on their ground
//! - `lifecycle`: starts, drains and ends a conduit; `work` counts what a drain waits for
//! - `tidying`: forgets what is remembered when its time has come
//!
//! # Locks
//! Each is held for a few steps that do not wait, and none while user code, a waker or a destructor
//! of a message runs. Who takes a second one takes it in this order:
//! 1. `Route::listening`, by the one who hands on what has come
//! 2. `Routes::table`
//! 3. `Mailbox::state`
//! 4. `InboundStream::state`, or `Replier::machine`
//! 5. `Streams::budget`
//!
//! Apart from these, `Requests` comes before `Pending::state`. All others are taken alone, under any of
//! these.

mod arrival;
mod deliver;
mod ground;
mod handing_on;
mod inbox;
mod lifecycle;
mod mailbox;
mod overdue;
mod requests;
mod routes;
mod serving;
mod shared;
mod streams;
mod tidying;
mod to;
mod tombs;
mod waiting;
mod work;

pub(crate) use self::{
    arrival::Arrival,
    ground::{Logged, Seen},
    mailbox::Mailbox,
    requests::{Answer, Pending, Room, Step, Vain},
    routes::Bound,
    serving::Replier,
    shared::Shared,
    streams::{InboundStream, OutboundStream},
    to::To,
    work::Handling,
};
