//! Messages and requests: sending them to services, and receiving and answering them in handlers.

mod collect;
mod lazy;
mod message;
mod outgoing;
mod reply;
mod request;
mod send;
mod service;

pub(crate) use self::message::Duties;
pub use self::{
    message::Message,
    reply::Replying,
    request::{Replies, Requesting},
    send::Sending,
    service::Service,
};
