//! An in-process broker for Conduit, for tests and single-process programs.
//!
//! [`Memory`] moves packets between the conduits of one process, without a server, a runtime or a
//! timer. It routes as a network broker does: to every plain subscription, to one member of a queue
//! group, to an instance's inbox, to all instances of a service. It refuses packets that are too
//! long, and tells a publisher when there is no subscriber. A program that works with it works over
//! a network too, except that a network may lose packets; `Memory` loses none, unless a test
//! injects faults.
//!
//! # In a unit test
//! Create one broker for each test, so that parallel tests do not interfere. Pass one clone of it
//! to the conduit under test and another to the test's own conduit: each clone is a separate
//! connection. Then send what a peer would send, and check the answers. With another transport, the
//! same program runs against a real broker.
//!
//! ```
//! use conduit::{Conduit, Error};
//! use conduit_json::Json;
//! use conduit_memory::Memory;
//! use conduit_smol::Smol;
//!
//! // What is tested.
//! async fn serve_prices(shop: &Conduit<Json>) -> Result<(), Error> {
//!     shop.queue_bind("price").await?.serve(async |item: String| {
//!         if item == "tea" { Ok(3) } else { Err("it is not sold") }
//!     });
//!     Ok(())
//! }
//!
//! // In a program, with `#[test]`.
//! fn tea_has_a_price() -> Result<(), Error> {
//!     smol::block_on(async {
//!         let broker = Memory::new();
//!         let shop = Conduit::new("shop", Smol, broker.clone(), Json)?;
//!         let test = Conduit::new("test", Smol, broker, Json)?;
//!         serve_prices(&shop).await?;
//!
//!         let price = test.service("shop").request("price", "tea").await?;
//!         assert_eq!(price.decode::<u64>().await?, 3);
//!         test.service("shop").request("price", "coffee").await.expect_err("it is not sold");
//!         Ok(())
//!     })
//! }
//! # tea_has_a_price().expect("it has");
//! ```
//!
//! A subscription is active as soon as `subscribe` returns, and a packet is routed when `publish`
//! returns, so a test never has to wait for the broker. At its end, [`Memory::subscriptions`] and
//! [`Memory::queued`] tell whether anything is left over.
//!
//! # Bounds
//! Each subscription has a queue of [65,536 packets](MemoryBuilder::subscription_capacity). If it
//! is full, publishers wait until it is read or dropped: nothing is discarded.
//!
//! # Faults
//! A test can inject faults: a [`FaultPlan`] loses, duplicates and delays packets as determined by
//! its seed, a [`Link`] disconnects one connection or cuts it off, and [`Memory::stop_broker`] with
//! [`Memory::start_broker`] restarts the broker. Under `conduit-sim` they happen in virtual time,
//! and reproducibly.
//!

mod broker;
mod connection;
mod fault;
mod link;
mod memory;
mod pipe;
mod queue;
mod route;
mod routes;
mod subscription;
mod wakers;
mod way;

pub use self::{
    fault::{Delay, FaultCounts, FaultPlan, Faults},
    link::Link,
    memory::{Memory, MemoryBuilder},
    subscription::MemorySubscription,
};
