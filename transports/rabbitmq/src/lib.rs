//! RabbitMQ for Conduit.
//!
//! ```no_run
//! use conduit_rabbitmq::RabbitMq;
//!
//! # async fn connect() -> Result<(), conduit_rabbitmq::ConnectError> {
//! // What a conduit takes as its transport:
//! let rabbitmq = RabbitMq::connect("amqp://localhost").await?;
//! # drop(rabbitmq);
//! # Ok(())
//! # }
//! ```
//!
//! It works in any async runtime: a thread of its own drives the connections.
//!
//! For operators, [`operating`] has the names, the permissions, the timeouts and what each error
//! means.
//!
//! # What is not promised
//!
//! A packet is delivered at most once, and none outlives the server. What was in a buffer when a
//! connection broke is lost, and so is what one subscription has not taken when it holds its
//! [limit](Options::max_waiting), what comes to a queue that holds 32 MiB, and what a member of a group
//! held that died: 16 packets at most.

mod driver;
mod error;
mod event;
mod frame;
mod link;
mod method;
mod names;
pub mod operating;
mod options;
mod rabbitmq;
mod servers;
mod shared;
mod state;
mod subscription;
mod wire;

pub use self::{
    error::{ConnectError, ConnectErrorKind},
    event::{Events, RabbitEvent},
    options::Options,
    rabbitmq::RabbitMq,
    subscription::Subscription,
};
