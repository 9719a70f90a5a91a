//! The protocol as state machines, without I/O, clock, randomness or locks.
//!
//! Applications do not need this module. It is public for fuzzers, for simulations, and as a
//! reference for other implementations of the protocol, which `SPEC.md` specifies. It changes with
//! the protocol, not with the crate's version.
//!
//! - [`frame`] decodes packets into [`frame::Frame`]s, and encodes them.
//! - [`Outbound`] sends one body to one or many receivers; [`Paths`] limits what all outbound bodies
//!   have on the way.
//! - [`Inbound`] receives a body; a [`Budget`] limits what all inbound bodies together may hold, and
//!   decides which offers are accepted.
//! - [`Asker`] makes a request, and decides which answer counts; an [`Answerer`] answers it,
//!   once.
//! - [`Registry`] knows which bindings a packet is for, and a [`Queue`] which message of a binding
//!   is next.
//! - [`Describing`] decides which questions for a description are answered.
//! - [`SequenceTracker`] detects messages lost in transit.
//!
//! The machines are driven from outside: `handle_*` and the calls of the local user change them,
//! `poll_transmit` yields packets to publish, `poll_timeout` says when to call `handle_timeout`.

mod answerer;
mod asker;
mod backoff;
mod budget;
mod checksum;
mod clock;
mod describing;
pub mod frame;
mod inbound;
mod nonces;
mod outbound;
mod paths;
mod queue;
mod reason;
mod registry;
mod sequence;
mod silence;

pub use self::{
    answerer::Answerer,
    asker::{Asker, AskerEvent, AskerLimits, AskerTransmit, RequestFailure},
    budget::{Budget, BudgetLimits, Claim, Offered, Refused, Shares},
    describing::{Describing, Question},
    frame::{Detail, ProtocolError},
    inbound::{Inbound, InboundLimits, Read},
    nonces::Nonces,
    outbound::{
        Asked, GroupOutcome, Outbound, OutboundLimits, Outcome, ReceiverOutcome, Recipient,
        Transmit,
    },
    paths::{PathLimits, Paths},
    queue::{Label, Place, Queue},
    reason::{Reason, ReasonCode},
    registry::{BindingId, BindingKind, Joined, Left, Registry, RouteId},
    sequence::{COUNTER_BITS, Gap, SequenceTracker},
};
pub(crate) use self::{backoff::Backoff, clock::SIGNS_OF_LIFE};
