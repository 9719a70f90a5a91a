//! NATS for Conduit, by [async-nats](async_nats).
//!
//! ```no_run
//! use conduit::Conduit;
//! use conduit_json::Json;
//! use conduit_nats::Nats;
//! use conduit_tokio::Tokio;
//!
//! async fn connect() -> Result<Conduit<Json>, Box<dyn std::error::Error>> {
//!     let nats = Nats::connect("nats://localhost:4222").await?;
//!     Ok(Conduit::new("user-service", Tokio, nats, Json)?)
//! }
//! # drop(connect);
//! ```
//!
//! It works in any async runtime. async-nats needs tokio: under tokio its tasks run in the runtime
//! that [`Nats`] is made in, elsewhere in one background thread.
//!
//! For operators, [`operating`] has the subjects, the permissions, the timeouts and what each error
//! means.
//!
//! # What is not promised
//!
//! NATS delivers at most once and stores nothing. What was in a buffer when a connection broke is
//! lost, and so is what one subscription has not taken when it holds its capacity of packets
//! ([`Nats::options`]) or when the server finds the connection 64 MiB behind. Across a cluster, a
//! subscription is in force on other servers a moment after it is on ours.

mod connect;
mod error;
mod events;
mod link;
mod log;
mod monitor;
mod nats;
pub mod operating;
mod permission;
mod publish;
mod received;
mod servers;
mod services;
mod subject;
mod subscription;
mod unwritten;
mod violation;

pub use self::{
    error::{ConnectError, ConnectErrorKind},
    events::{Events, NatsEvent},
    nats::Nats,
    subscription::Subscription,
};

/// Whether this is the server's notice that there is no subscriber.
fn is_notice(message: &async_nats::Message) -> bool {
    message.status == Some(async_nats::StatusCode::NO_RESPONDERS) && message.payload.is_empty()
}
