//! An in-process broker for Conduit, for tests and single-process programs.
//!
//! [`Memory`] moves packets between the conduits of one process, without a server, a runtime or a
//! timer. It routes as a network broker does: to every plain subscription, to one member of a
//! queue group, to an instance's inbox, to all instances of a service; it refuses packets that are
//! too long, and it tells a publisher when nobody is subscribed. What works over it works over a
//! network, where packets can get lost besides; over `Memory` none is, unless a test wants it.
//!
//! # In a unit test
//! Make one broker for each test, so that tests which run side by side do not hear each other.
//! Give the conduit under test one clone of it and the test's own conduit another: each clone is a
//! connection of its own. Then send what a peer would send and look at what comes back. The same
//! program runs against a real broker when it is given another transport.
//!
//! A subscription is in force as soon as it is made and a packet is routed when `publish` returns,
//! so a test never has to wait for the broker. At its end, [`Memory::subscriptions`] and
//! [`Memory::queued`] tell whether anything was left behind.
//!
//! # Bounds
//! Each subscription has a queue of [65,536 packets](MemoryBuilder::subscription_capacity). A
//! publisher that meets a full one waits until it is read or dropped: nothing is discarded.
//!
//! # Faults
//! A test can break things on purpose: a [`FaultPlan`] loses, repeats and delays packets as its
//! seed decides, a [`Link`] disconnects one connection or cuts it off, and
//! [`Memory::stop_broker`] restarts the broker. Under `conduit-sim` all of it happens in virtual
//! time, and the same way each time.
//!
//! # Example
//! One packet, from one connection to another, at the level of the transport that
//! [`conduit`] is built on:
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
mod fault;
mod link;
mod memory;
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
