//! Messages out and in: what a service is sent and asked, and what a handler gets and replies.

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
