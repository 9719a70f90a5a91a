//! The protocol as state machines, without I/O, clock, randomness or locks.
//!
//! Nothing here is needed to use Conduit. It is public for fuzzers, for simulations, and for those
//! who implement the protocol elsewhere and want something to compare with; `SPEC.md` is its text.
//! It changes with the protocol, not with the crate's version.
//!
//! - [`frame`] turns packets into [`frame::Frame`]s and back.
//! - [`Outbound`] sends one body to one or many receivers, [`Inbound`] receives one; a [`Budget`]
//!   bounds what all inbound bodies together may hold, and says which offers are taken.
//! - [`Asker`] makes a request, and decides which answer counts; an [`Answerer`] answers it, once.
//! - [`Registry`] knows which bindings a packet is for, and a [`Queue`] which message of a binding
//!   is next.
//! - [`Seen`] makes a loss on the way visible.
//!
//! The machines are driven from outside: `handle_*` and the calls of the local user change them,
//! `poll_transmit` yields packets to publish, `poll_timeout` says when to call `handle_timeout`.

mod answerer;
mod asker;
mod backoff;
mod budget;
mod checksum;
mod clock;
pub mod frame;
mod headers;
mod inbound;
mod nonces;
mod outbound;
mod queue;
mod reason;
mod registry;
mod sequence;

pub use self::{
    answerer::Answerer,
    asker::{Asker, AskerEvent, AskerLimits, AskerTransmit, RequestFailure},
    budget::{Budget, BudgetLimits, Claim, Offered, Refused, Shares},
    frame::{Detail, ProtocolError},
    headers::{HeaderError, Headers},
    inbound::{Inbound, InboundLimits, Read},
    nonces::Nonces,
    outbound::{
        Asked, Delivery, GroupOutcome, Outbound, OutboundLimits, Outcome, Recipient, Transmit,
    },
    queue::{Label, Place, Queue},
    reason::{Executed, Reason, ReasonCode},
    registry::{BindingId, BindingKind, Joined, Left, Registry, RouteId},
    sequence::{COUNTER_BITS, Gap, Seen},
};
pub(crate) use self::{backoff::Backoff, clock::SIGNS_OF_LIFE};
