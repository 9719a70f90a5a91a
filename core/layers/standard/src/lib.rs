//! Layers for a [`Conduit`](conduit::Conduit): see [`conduit::layer`].
//!
//! | layer | what it does |
//! | --- | --- |
//! | [`Retry`] | calls again what was not executed, within a [budget](Budget) |
//! | [`Breaker`] | stops calling a subject that keeps failing, and tries it again later |
//! | [`Limit`] | bounds the calls, or the handlers, in flight |
//! | [`Timeout`] | shortens the time of calls, by subject |
//! | [`Record`] | keeps what was sent and received, for tests |
//!
//! The first that is added is the outermost, so the usual order for a client is
//! [`Retry`], [`Limit`], [`Breaker`], [`Timeout`]: each try takes a permit, asks the breaker, and has
//! its own time; what the limit refuses is no failure for the breaker.
//!
//! ```
//! use std::time::Duration;
//!
//! use conduit::{Conduit, Error};
//! use conduit_json::Json;
//! use conduit_layers::{Breaker, Limit, Retry, Timeout, Times};
//! use conduit_memory::Memory;
//! use conduit_smol::Smol;
//!
//! fn client(broker: Memory) -> Result<Conduit<Json>, Error> {
//!     let builder = Conduit::builder("client").runtime(Smol).transport(broker).encoder(Json);
//!     builder
//!         .layer(Retry::new())
//!         .layer(Limit::outbound(64))
//!         .layer(Breaker::new())
//!         .layer(Timeout::new(Times::whole(Duration::from_secs(5))))
//!         .build()
//! }
//! # client(Memory::new()).expect("it is valid");
//! ```
//!
//! [`Names`] bounds the labels and names that layers for metrics and traces give to calls.
//!
//! They use the public interface of the core alone, and the clock of the conduit's runtime: they run in
//! `conduit-sim` too.

mod breaker;
mod budget;
mod circuit;
mod limit;
mod names;
mod permits;
mod record;
mod retry;
mod timeout;

use std::sync::{Mutex, MutexGuard, PoisonError};

pub use self::{
    breaker::Breaker,
    budget::Budget,
    circuit::CircuitState,
    limit::Limit,
    names::Names,
    record::{Record, Recorded, RecordedKind},
    retry::Retry,
    timeout::{Timeout, Times},
};

/// Locks a mutex, ignoring poison: the state is consistent after every step.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
