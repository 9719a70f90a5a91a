//! What runs behind a conduit: the loops that drive the machines of [`proto`](crate::proto), once.

mod deliver;
mod inbox;
mod lifecycle;
mod mailbox;
mod outbox;
mod requests;
mod routes;
mod serving;
mod shared;
mod streams;
mod tasks;
mod timers;
mod tombs;

pub(crate) use self::{
    mailbox::{Arrival, Mailbox},
    requests::{Answer, Pending},
    routes::Bound,
    serving::Replier,
    shared::Shared,
    streams::{InboundStream, OutboundStream},
};
