//! Messaging between services: events, requests with replies, shared work, and bodies of any size
//! as streams, over any broker, in any format, under any async runtime.
//!
//! This crate is the core. It knows no broker, no format and no runtime; each is a crate of its own
//! whose value is given to [`Conduit::new`].
//!
//! # The four nouns
//! - A **conduit** ([`Conduit`]) is one instance of a service. It sends to services and binds to what
//!   they send.
//! - A **transport** ([`transport::Transport`]) moves packets between conduits: `conduit-nats` over a
//!   NATS server, `conduit-memory` within a process.
//! - An **encoder** ([`Encoder`], [`Encode`], [`Decode`]) turns values into bytes and back:
//!   `conduit-json`, `conduit-msgpack`, `conduit-protobuf`.
//! - A **runtime** ([`Runtime`]) runs tasks, waits and knows the time: `conduit-tokio`,
//!   `conduit-smol`, `conduit-async-std`.
//!
//! Each of the last three can be one of your own. Their documentation is the contract, and
//! `conduit-conformance` tests a transport against it.
//!
//! # Example
//! Two services, in one process. Over a network, only the transport differs.
//!
//! ```
//! use conduit::{Body, Conduit};
//! use conduit_json::Json;
//! use conduit_memory::Memory;
//! use conduit_smol::Smol;
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     smol::block_on(async {
//!         let broker = Memory::new();
//!         let client = Conduit::new("client", Smol, broker.clone(), Json)?;
//!         let worker = Conduit::new("worker", Smol, broker, Json)?;
//!
//!         // Of all queue bindings of a subject, in all instances, one gets a message.
//!         worker.queue_bind("sum").await?.to(|message| async move {
//!             let numbers: Vec<u64> = message.decode().await?;
//!             message.reply(&numbers.iter().sum::<u64>()).await
//!         });
//!         // Of a plain binding, every one gets it.
//!         let mut uploads = worker.bind("upload").await?;
//!
//!         let service = client.service("worker");
//!         let reply = service.request("sum", &[20, 22]).await?;
//!         assert_eq!(reply.decode::<u64>().await?, 42);
//!
//!         // What is not to be encoded goes as it is: text, bytes, nothing, or a reader.
//!         let file = futures_lite::io::Cursor::new("a file");
//!         let sending = smol::spawn(service.send_body("upload", Body::reader(file)));
//!         let message = uploads.next().await.expect("it is bound");
//!         assert_eq!(message.text().await?, "a file");
//!         sending.await?;
//!         Ok(())
//!     })
//! }
//! ```
//!
//! # How the pieces relate
//! - [`Conduit::service`] gives a [`Service`] to send to. Its methods return [`Sending`] and
//!   [`Requesting`], which do nothing until they are awaited. The first yields a [`Delivery`], the
//!   second the reply, a [`Message`]. [`Service::request_all`] gives [`Replies`] of everybody.
//! - [`Conduit::bind`], [`bind_once`](Conduit::bind_once) and [`queue_bind`](Conduit::queue_bind)
//!   give a [`Binding`]: a queue of [`Message`]s, or with [`Binding::to`] and [`Binding::serve`] a
//!   [`Handler`].
//! - A [`Message`] is decoded, read, or answered with a [`Replying`]. Its [`IncomingBody`] converts
//!   into a [`Body`], so that it can be passed on while it is read.
//! - Every failure is an [`Error`], which has a [kind](ErrorKind) and says whether the handler at the
//!   other side was [executed](Executed).
//! - What nobody is told by an error is [logged](logging).
//! - [`Builder`] names every limit, and [`Stats`] counts what a conduit holds.
//!
//! Below them, [`proto`] is the protocol as state machines without I/O.
//!
//! # Promises
//! Messages are delivered at most once, and nothing is stored. A body is read to its end only if
//! every byte of it has arrived, in order. Every buffer has a bound, and a reader's pace limits its
//! sender. The README of the repository has the limits with their defaults, all failures, and what is
//! not promised; `SPEC.md` beside it is the protocol.

mod address;
mod binding;
mod body;
mod builder;
mod collect;
mod conduit;
mod config;
mod delivery;
mod drained;
mod driver;
mod encoder;
mod error;
mod failure;
mod handle;
mod handler;
mod id;
mod lazy;
pub mod logging;
mod message;
mod name;
mod outgoing;
pub mod proto;
mod reply;
mod request;
mod runtime;
mod send;
mod service;
mod stats;
pub mod transport;

#[cfg(test)]
#[path = "../tests/support/sim.rs"]
mod sim;

pub use self::{
    binding::Binding,
    body::{Body, BodyWriter, IncomingBody},
    builder::{Builder, Missing},
    conduit::Conduit,
    delivery::{Delivery, FailedDelivery},
    drained::Drained,
    encoder::{CodecError, Decode, Encode, Encoder},
    error::{Error, ErrorKind, Executed},
    failure::Failure,
    handler::{Handler, HandlerOutput},
    id::{IdSource, InstanceId, InvalidId, MessageId},
    message::Message,
    name::{MAX_SERVICE_NAME, MAX_SUBJECT, NameError, NameRule, ServiceName, Subject},
    proto::{HeaderError, Headers, frame::Source},
    reply::Replying,
    request::{Replies, Requesting},
    runtime::{Runtime, Task},
    send::Sending,
    service::Service,
    stats::Stats,
};
