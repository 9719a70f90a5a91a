//! Lightweight, transport-agnostic messaging between services, under any async runtime.

mod binding;
mod body;
mod builder;
mod collect;
mod conduit;
mod config;
mod delivery;
mod driver;
mod encoder;
mod error;
mod handler;
mod id;
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
    body::{Body, IncomingBody},
    builder::{Builder, Missing},
    conduit::Conduit,
    delivery::{Delivery, FailedDelivery},
    encoder::{CodecError, Decode, Encode, Encoder},
    error::{Error, ErrorKind, Executed},
    handler::{Handler, HandlerOutput},
    id::{IdSource, InstanceId, InvalidId, MessageId},
    message::Message,
    name::{MAX_SERVICE_NAME, MAX_SUBJECT, NameError, NameRule, ServiceName, Subject},
    proto::{HeaderError, Headers, frame::Source},
    reply::Replying,
    request::Requesting,
    runtime::{Runtime, Task},
    send::Sending,
    service::Service,
    stats::Stats,
};
