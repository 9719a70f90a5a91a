//! Messaging between services: events, requests with replies, load-balanced queues, and streamed
//! bodies of any size, over any broker, in any format, under any async runtime.
//!
//! This crate is the core. It contains no broker client, no format and no runtime; each is a crate
//! of its own whose value is passed to [`Conduit::new`].
//!
//! # The four nouns
//! - A **conduit** ([`Conduit`]) is one instance of a service. It sends messages to services and
//!   binds to subjects to receive them.
//! - A **transport** ([`transport::Transport`]) moves packets between conduits: `conduit-nats` over
//!   a NATS server, `conduit-redis` over Redis or Valkey, `conduit-memory` within a process.
//! - An **encoder** ([`Encoder`], [`Encode`], [`Decode`]) turns values into bytes and back:
//!   `conduit-json`, `conduit-msgpack`, `conduit-protobuf`.
//! - A **runtime** ([`Runtime`]) runs tasks and provides a timer and a clock: `conduit-tokio`,
//!   `conduit-smol`, `conduit-async-std`.
//!
//! You can implement each of the last three yourself. The documentation of the traits is the
//! contract, and `conduit-conformance` tests a transport against it.
//!
//! # Example
//! Two services in one process. Over a network, only the transport differs.
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
//!         // Each message goes to one of the subject's queue bindings, across all instances.
//!         worker.queue_bind("sum").await?.to(|message| async move {
//!             let numbers: Vec<u64> = message.decode().await?;
//!             message.reply(&numbers.iter().sum::<u64>()).await
//!         });
//!         // Each message goes to every plain binding.
//!         let mut uploads = worker.bind("upload").await?;
//!
//!         let service = client.service("worker");
//!         let reply = service.request("sum", &[20, 22]).await?;
//!         assert_eq!(reply.decode::<u64>().await?, 42);
//!
//!         // Text, bytes, readers and empty bodies are sent without encoding.
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
//! # Which method do I need?
//!
//! | to | use |
//! | --- | --- |
//! | tell every instance of a service | [`Client::send`], and there [`Conduit::bind`] |
//! | give a job to one instance | [`Client::send`], and there [`Conduit::queue_bind`] |
//! | know that a small message has arrived | [`Sending::confirm`] |
//! | ask, and wait for the reply | [`Client::request`], with a [`Contract`] [`Client::call`] |
//! | ask all instances | [`Client::request_all`] |
//! | send a file, or what another task produces | [`Client::send_body`] or [`Client::request_body`] with [`Body::reader`] or [`Body::writer`] |
//! | read messages in a loop | [`Binding::next`] |
//! | run a function on each message | [`Binding::serve`]: from a value to a result; [`Binding::to`]: with the message |
//! | run several at the same time | [`Binding::concurrency`] |
//! | answer | return a value from a function of [`serve`](Binding::serve), or [`Message::reply`], [`Message::reply_body`] |
//! | read a body while it arrives | [`Message`] and [`Message::take_body`] are an `AsyncRead` |
//! | fail with a code | [`Failure`], [`Builder::map_failure`] |
//! | know whether to try again | [`Error::is_retryable`], [`Error::executed`] |
//! | do something around every message | [`Builder::layer`] |
//! | see who is there | [`Conduit::instances`], [`Conduit::services`] |
//! | end without losing messages | [`Conduit::drain`], or `drain_on_signal` of the runtime's crate |
//!
//! # How the pieces relate
//! - [`Conduit::service`] returns a [`Client`] of a service. Its methods return [`Sending`] and
//!   [`Requesting`], which do nothing until they are awaited. The first yields a [`Delivery`], the
//!   second the reply, a [`Message`]. [`Client::request_all`] returns [`Replies`], a stream of the
//!   replies of all receivers.
//! - [`Conduit::bind`], [`bind_once`](Conduit::bind_once) and [`queue_bind`](Conduit::queue_bind)
//!   return a [`Binding`]: a queue of [`Message`]s, or with [`Binding::to`] and [`Binding::serve`]
//!   a [`Worker`].
//! - A [`Contract`] is a subject with its types, for both sides: [`Client::call`] returns a
//!   [`Calling`], which yields the decoded reply, and binding to it returns a [`TypedBinding`].
//! - A [`Message`] is decoded, read, or answered with a [`Replying`]. Its [`IncomingBody`] converts
//!   into a [`Body`], so that it can be forwarded while it is read.
//! - Every failure is an [`Error`], which has a [kind](ErrorKind) and tells whether the remote
//!   handler was [executed](Executed).
//! - Failures that no caller receives as an error are [logged](logging).
//! - [`Builder`] sets every limit, [`Stats`] reports what a conduit holds, and [`Traffic`] what it
//!   has sent and received. [`Conduit::state`],
//!   [`Conduit::ready`] and [`Conduit::connection`] tell whether it is well.
//! - [`Conduit::instances`] and [`Conduit::services`] ask which instances there are, and each
//!   returns [`InstanceInfo`]s.
//! - A [`Layer`](layer::Layer) is what happens around every message: traces, retries, limits.
//!
//! Below them, the module `proto` is the protocol as state machines without I/O. It is public for
//! fuzzers and tests alone, and no part of the interface that a version promises.
//!
//! # Guarantees
//! Messages are delivered at most once, and nothing is stored. A reader reaches the end of a body
//! only if every byte has arrived, in order. Every buffer is bounded, and a slow reader applies
//! backpressure to its sender. The README of the repository says what else is promised. Its book lists
//! the limits with their defaults, and what to do about each kind of error. `SPEC.md` specifies the
//! protocol.

mod about;
mod accept;
mod address;
mod binding;
mod body;
mod call;
mod changes;
mod conduit;
mod config;
mod contract;
mod delivery;
mod description;
mod drained;
mod driver;
mod encoder;
mod error;
mod executed;
mod handle;
mod headers;
mod id;
pub mod layer;
mod lock;
pub mod logging;
mod name;
mod producer;
#[doc(hidden)]
pub mod proto;
mod runtime;
mod source;
mod state;
mod stats;
mod texts;
mod traffic;
pub mod transport;
mod until;
mod worker;

#[cfg(test)]
#[path = "../tests/support/sim.rs"]
mod sim;

pub use self::{
    binding::{
        BindTo, Binding, BindingWithState, StateHandler, TypedBinding, TypedBindingWithState,
    },
    body::{Body, BodyWriter, IncomingBody},
    call::{Client, Message, Replies, Replying, Requesting, SendTo, Sending},
    conduit::{Builder, Conduit, ConnectionChanges, Describing, Missing},
    config::Limits,
    contract::{Calling, Contract, NoReply},
    delivery::{Delivery, FailedDelivery},
    description::{BindingCounts, BindingInfo, BoundAs, InstanceInfo},
    drained::Drained,
    encoder::{CodecError, Decode, Encode, Encoder},
    error::{Error, ErrorKind, Failure},
    executed::Executed,
    headers::{HeaderError, Headers},
    id::{IdGenerator, InstanceId, InvalidId, MessageId},
    name::{MAX_SERVICE_NAME, MAX_SUBJECT, NameError, NameRule, ServiceName, Subject},
    runtime::{Runtime, Task},
    source::Source,
    state::ConduitState,
    stats::Stats,
    traffic::{ReceivedTraffic, SentTraffic, Traffic},
    worker::{HandlerOutput, Worker},
};
