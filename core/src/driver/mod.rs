//! The driver of a conduit: the tasks that run the state machines of [`proto`](crate::proto).
//!
//! # Rooms
//! The foundation. These rooms depend on none of those below:
//! - `ground`: the configuration, the clock, the tasks, the timers, the transport, the outbox, the
//!   log and the stage of a conduit, and the destinations of its packets
//! - `to`: a subject of a service, with its cached destination and its message numbers
//! - `tombs`: entries that are kept for one idle limit; `waiting`: the budget of the bytes that
//!   wait
//!
//! From a packet to a handler:
//! - `routes`: the subscriptions to subjects, and the bindings that read them; `inbox`: the packets
//!   to the inbox and the control address
//! - `deliver`: delivers packets on a subject to the bindings that they are for
//! - `arrival`, `mailbox`: a message, and the queue of one binding
//! - `serving`: the requests that are being answered; `overdue`: those that have waited for too
//!   long
//! - `handing_on`: gives messages that no handler here will take back to their group
//!
//! From a call to its outcome:
//! - `requests`: the requests that wait for answers
//! - `streams`: the bodies that are sent and received
//!
//! The rooms that connect the others:
//! - `shared`: the parts of a conduit, on its ground
//! - `lifecycle`: starts, drains and ends a conduit; `work` counts the work that a drain waits for
//! - `tidying`: removes expired entries
//!
//! # Locks
//! Each lock is held for a few steps that do not wait, and none while user code, a waker or the
//! destructor of a message runs. Nested locks are taken in this order:
//! 1. `Route::listening`, by the task or reader that polls the subscription
//! 2. `Routes::table`
//! 3. `Mailbox::state`
//! 4. `InboundStream::state`, or `Replier::machine`
//! 5. `Streams::budget`
//!
//! Apart from these, `Requests` comes before `Pending::state`. All other locks are innermost: they
//! may be taken under any of these, and no lock is taken under them.

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
