//! Redis and Valkey for Conduit.
//!
//! ```no_run
//! use conduit::Conduit;
//! use conduit_json::Json;
//! use conduit_redis::Redis;
//! use conduit_tokio::Tokio;
//!
//! async fn connect() -> Result<Conduit<Json>, Box<dyn std::error::Error>> {
//!     let redis = Redis::connect("redis://localhost:6379").await?;
//!     Ok(Conduit::new("user-service", Tokio, redis, Json)?)
//! }
//! # drop(connect);
//! ```
//!
//! It works in any async runtime: a thread of its own drives each connection. A single server, one that
//! sentinels watch and a cluster all do, without a change of the program but for the URLs.
//!
//! For operators, [`operating`] has the channels, the permissions, the timeouts and what each error
//! means.
//!
//! # What is not promised
//!
//! Redis delivers at most once and stores nothing of what is published. What was in a buffer when a
//! connection broke is lost, and so is what one subscription has not taken when it holds its
//! [limit](Options::max_waiting), or when the server finds the connection too far behind.

mod command;
mod driver;
mod error;
mod event;
mod link;
mod names;
pub mod operating;
mod options;
mod redis;
mod reply;
mod script;
mod servers;
mod shared;
mod slots;
mod state;
mod subscription;
mod wire;

pub use self::{
    error::{ConnectError, ConnectErrorKind},
    event::{Events, RedisEvent},
    options::Options,
    redis::Redis,
    subscription::Subscription,
};
