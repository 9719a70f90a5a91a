//! Runs Conduit, and your own handlers, with a virtual clock and a seeded schedule.
//!
//! [`Sim`] is a runtime for tests. It runs every task on one thread, in an order determined by its
//! seed. Its clock stands still while a task can run; when none can, it jumps to the next timer. So
//! an hour passes in the time that the work of an hour takes, and a failed run is reproducible: the
//! same seed gives the same run, as long as nothing in it uses a real clock, a real random source,
//! a map with a hash seed, or another thread.
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
//! let error = result.expect_err("the handler does not answer");
//! assert_eq!(error.kind(), conduit::ErrorKind::Deadline);
//! assert_eq!(sim.elapsed(), Duration::from_secs(3600));
//! ```
//!
//! # Testing your own handlers
//! 1. Create a conduit for each instance of each service, all in one simulation: with
//!    [`Sim::ids`], a clone of one in-memory broker, and the simulation as the runtime, or a
//!    [`Process`] of it for each instance that is to be killed or frozen.
//! 2. Run the services, and let the broker lose, delay and duplicate packets (`conduit-memory` has
//!    fault plans). All other waiting has to use the simulation too: use [`Sim::sleep`] in place of
//!    another runtime's timer.
//! 3. Assert what has to hold, and let [`check`] run the test under some thousand seeds. If one
//!    fails, it prints the seed and the command that runs it again.
//!
//! A deadlock or a livelock ends a run with a panic that names the seed; [`Sim::within`] adds a
//! timeout to an operation. The example `find_a_bug` of this crate is a complete test that finds a
//! race in a handler.

mod check;
mod clock;
mod executor;
mod ids;
mod process;
mod schedule;

pub use self::{check::check, executor::Sim, ids::SimIds, process::Process};
