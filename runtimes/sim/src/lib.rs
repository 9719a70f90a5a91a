//! Runs Conduit under a virtual clock and a seeded schedule.
//!
//! [`Sim`] is a runtime for tests. It runs every task in one thread, in an order that its seed
//! decides, and its clock stands still while anything can run; when nothing can, it jumps to the
//! next timer. So an hour passes in the time that the work of an hour takes, and a run that failed
//! can be had again: the same seed gives the same run, as long as nothing in it asks a real clock,
//! a real random source or another thread.
//!
//! ```
//! use std::time::Duration;
//!
//! use conduit::Conduit;
//! use conduit_json::Json;
//! use conduit_memory::Memory;
//! use conduit_sim::Sim;
//!
//! let sim = Sim::new(7);
//! let result = sim.block_on(async {
//!     let broker = Memory::new();
//!     let conduit = |name| {
//!         Conduit::builder(name)
//!             .runtime(sim.clone())
//!             .transport(broker.clone())
//!             .encoder(Json)
//!             .ids(sim.ids())
//!             .build()
//!     };
//!     let (asker, worker) = (conduit("asker")?, conduit("worker")?);
//!     let _handler = worker.queue_bind("never").await?.to(|message| async move {
//!         std::future::pending::<()>().await;
//!         drop(message);
//!     });
//!     asker.service("worker").request("never", "please").timeout(Duration::from_secs(3600)).await
//! });
//! let error = result.expect_err("nobody answers");
//! assert_eq!(error.kind(), conduit::ErrorKind::Deadline);
//! assert_eq!(sim.elapsed(), Duration::from_secs(3600));
//! ```

mod clock;
mod executor;
mod ids;
mod schedule;

pub use self::{executor::Sim, ids::SimIds};
