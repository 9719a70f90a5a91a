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
//! # Example
//! One packet from one connection to another, with the transport interface that [`conduit`] is
//! built on:
//!
//! ```
//! use bytes::Bytes;
//! use conduit::transport::{Address, Packet, Targets, Transport};
//! use conduit_memory::Memory;
//! use futures_lite::{StreamExt, future::block_on};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! block_on(async {
//!     let publisher = Memory::new();
//!     let subscriber = publisher.clone();
//!
//!     let created = Address::Subject {
//!         service: "user-service".parse()?,
//!         subject: "user.created".parse()?,
//!         targets: Targets::Plain,
//!     };
//!     let mut packets = subscriber.subscribe(&created).await?;
//!     publisher.publish(&created, Bytes::from_static(b"id 123"), None).await?;
//!
//!     assert_eq!(packets.next().await, Some(Packet::Data(Bytes::from_static(b"id 123"))));
//!     Ok(())
//! })
//! # }
//! ```

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
