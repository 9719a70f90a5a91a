//! NATS for Conduit, by [async-nats](async_nats).
//!
//! ```no_run
//! use conduit_nats::Nats;
//!
//! # async fn connect() -> Result<(), conduit_nats::ConnectError> {
//! // What a conduit takes as its transport:
//! let nats = Nats::connect("nats://localhost:4222").await?;
//! # drop(nats);
//! # Ok(())
//! # }
//! ```
//!
//! It works in any async runtime. async-nats needs tokio: under tokio its tasks run in the runtime
//! that [`Nats`] is made in, elsewhere in one background thread.
//!
//! # Subjects
//!
//! | what | published to | subscribed as |
//! | --- | --- | --- |
//! | plain bindings of a subject | `conduit.<service>.s.1.0.<subject>` | `conduit.<service>.s.1.*.<subject>` |
//! | its queue group | `conduit.<service>.s.0.1.<subject>` | `conduit.<service>.s.*.1.<subject>`, queue `conduit` |
//! | both | `conduit.<service>.s.1.1.<subject>` | |
//! | an instance's inbox | `conduit.<service>.i.<instance>.p` | `conduit.<service>.i.<instance>.*` |
//! | notices that nobody is subscribed | `conduit.<service>.i.<instance>.<token>`, by the server | with the inbox |
//! | marks of a flush, to itself | `conduit.<service>.f.<instance>.<mark>` | the same |
//! | all instances of a service | `conduit.<service>.c` | the same |
//!
//! # Permissions
//!
//! Everything that a service receives lies under its name. So `user-service` needs
//!
//! ```text
//! permissions {
//!   publish: "conduit.>"
//!   subscribe: "conduit.user-service.>"
//! }
//! ```
//!
//! and where it may send to some services only, its publish permission lists `conduit.<service>.>`
//! for each, for each service that asks it (for its replies), and for itself. Replies go to the
//! inbox of who asked as ordinary packets, so `allow_responses` is neither needed nor enough, and
//! `_INBOX.>` is not used. NATS' own reply subject is set on offers alone, for the server's notice
//! that nobody is subscribed (503, no responders): a client that answers it by hand reaches a
//! subject where only that notice counts, and is ignored.
//!
//! NATS reports a forbidden subject some time after the fact, and only in the client's events,
//! which async-nats logs. Here it looks like a missing answer.
//!
//! # What is not promised
//!
//! NATS delivers at most once and stores nothing. What was in a buffer when a connection broke is
//! lost, and so is what one subscription has not taken when it holds its capacity of packets
//! ([`Nats::options`]) or when the server finds the connection 64 MiB behind. Across a cluster, a
//! subscription is in force on other servers a moment after it is on ours.

mod closing;
mod connect;
mod error;
mod link;
mod nats;
mod servers;
mod subject;
mod subscription;

pub use self::{
    error::{ConnectError, ConnectErrorKind},
    nats::Nats,
    subscription::Subscription,
};
