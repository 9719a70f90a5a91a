//! Messages and requests: sending them to services, and receiving and answering them in handlers.

mod client;
mod collect;
mod lazy;
mod message;
mod outgoing;
mod reply;
mod request;
mod send;

pub(crate) use self::message::Duties;
pub use self::{
    client::{Client, SendTo},
    message::Message,
    reply::Replying,
    request::{Replies, Requesting},
    send::Sending,
};
