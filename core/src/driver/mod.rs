//! The driver of a conduit: the tasks that run the state machines of [`proto`](crate::proto).
//!
//! # Rooms
//! A room depends only on rooms above it in this list.
//!
//! The foundation:
//! - `tally`: counts messages; `records`: the bindings, each with its counts
//! - `waiting`: the budget of the bytes that wait; `expiring`: entries that are kept for one idle
//!   limit; `cleanup_flag`: whether there are any
//! - `task_queue`: entries for one task
//! - `outlet`: a destination, with the messages that wait to travel there in one packet; `endpoint`:
//!   a subject of a service, with its outlet, its message numbers, and what is known of its group
//! - `ground`: the configuration, the clock, the tasks, the timers, the transport, the outbox, the
//!   log and the stage of a conduit, and the destinations of its packets
//! - `connection`: the connection of the transport as it changes
//! - `watch`: decides whether a reader or the task of a subscription polls it
//!
//! The parts, each of which owns a table and refers to the ground:
//! - `work`: counts the work that a drain waits for
//! - `streams`: the bodies that are sent and received; `content`: the bytes of one message, which
//!   may be such a body
//! - `requests`: the requests that wait for answers
//! - `serving`: the requests that are being answered
//! - `arrival`: a message that has reached a binding; `mailbox`: the queue of one binding
//! - `questions`: the questions for descriptions, asked here and elsewhere
//! - `handing_on`: the messages that no handler here will take, on their way back to their group
//! - `routes`: the subscriptions, and the bindings of each
//! - `shared`: holds the parts together
//!
//! What moves between the parts:
//! - `deliver`: delivers packets on a subject to the bindings that they are for
//! - `dispatch`: hands each frame to the part that it is for
//! - `inbox`, `subscriptions`: poll the subscriptions of the transport
//! - `overdue`: refuses requests that have waited for too long; `cleanup`: removes expired entries
//! - `describe`: describes this instance, and answers questions
//! - `readiness`: waits until a conduit can be used
//! - `lifecycle`: starts, drains and ends a conduit
//!
//! # Locks
//! Each lock is held for a few steps that do not wait, and none while user code, a waker or the
//! destructor of a message runs; except that `Route::listening` is held while a layer accepts a
//! message, which is why a layer must not bind or unbind there. Nested locks are taken in this order:
//! 1. `Route::listening`, by the task or reader that polls the subscription
//! 2. `Routes::table`
//! 3. `Mailbox::state`
//! 4. `InboundStream::state`, or `Replier::machine`
//! 5. `Streams::budget`
//!
//! Apart from these, `Requests::pending` comes before `Pending::state`. All other locks are
//! innermost: they may be taken under any of these, and no lock is taken under them.

mod arrival;
mod cleanup;
mod cleanup_flag;
mod connection;
mod content;
mod deliver;
mod describe;
mod dispatch;
mod endpoint;
mod expiring;
mod ground;
mod handing_on;
mod inbox;
mod lifecycle;
mod mailbox;
mod outlet;
mod overdue;
mod questions;
mod readiness;
mod records;
mod requests;
mod routes;
mod serving;
mod shared;
mod streams;
mod subscriptions;
mod tally;
mod task_queue;
mod waiting;
mod watch;
mod work;

pub(crate) use self::{
    arrival::Arrival,
    content::{BodyEnd, Content},
    describe::{describe, describe_bindings},
    endpoint::Endpoint,
    ground::{EventFields, Ground, Logged},
    lifecycle::{release, start},
    mailbox::Mailbox,
    questions::Answered,
    readiness::ready,
    records::{Record, Types},
    requests::{Answer, NoAnswer, Pending, RequestStep, Room},
    serving::Replier,
    shared::Shared,
    streams::{InboundStream, OutboundStream},
    subscriptions::{Bound, bind},
    tally::{Counts, Tally},
    work::Handling,
};
