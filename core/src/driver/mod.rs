//! What runs behind a conduit: the loops that drive the machines of [`proto`](crate::proto), once.

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
