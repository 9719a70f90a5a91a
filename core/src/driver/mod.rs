//! The driver of a conduit: the loops that drive the machines of [`proto`](crate::proto).
//!
//! # Rooms
//! What everything stands on:
//! - `shared`: the parts of a conduit, its clock, and how a packet is published
//! - `lifecycle`: starts, drains and ends a conduit; `work` counts what a drain waits for
//! - `tasks`, `timers`: the tasks of a conduit, and all of its waiting behind one timer
//! - `destinations`, `to`: where packets go, with what is remembered and numbered there
//! - `outbox`: packets that nobody waits for; `notices`: tokens, and who hears that nobody was there
//! - `log`, `logged`: each line that can be logged, and the summing up of repeats
//! - `tombs`, `tidying`: what is remembered for one idle limit, and when it is forgotten
//! - `waiting`: the budget of bytes that wait
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
mod destinations;
mod handing_on;
mod inbox;
mod lifecycle;
mod log;
mod logged;
mod mailbox;
mod notices;
mod outbox;
mod overdue;
mod requests;
mod routes;
mod serving;
mod shared;
mod streams;
mod tasks;
mod tidying;
mod timers;
mod to;
mod tombs;
mod waiting;
mod work;

pub(crate) use self::{
    arrival::Arrival,
    logged::{Logged, Seen},
    mailbox::Mailbox,
    requests::{Answer, Pending, Room, Step, Vain},
    routes::Bound,
    serving::Replier,
    shared::Shared,
    streams::{InboundStream, OutboundStream},
    to::To,
    work::Handling,
};
