use std::sync::Arc;

use async_channel::{Receiver, Sender};
use bytes::Bytes;
use conduit::transport::Token;

use super::Channel;
use crate::queue::Queue;

/// What a reply will be about.
#[derive(Debug)]
pub(crate) enum Expected {
    Published {
        undelivered: Option<(Bytes, Token)>,
        purpose: Purpose,
    },
    Subscribed(Channel),
    Unsubscribed(Leaving),
    /// A member of a group was noted, whose channel this is.
    Renewed(Channel),
    /// A sign behind all that was routed here before.
    Mark {
        answer: Option<Answer>,
        leaving: Option<(Channel, Arc<Queue>)>,
    },
    /// Anything else; the words say what.
    Done(&'static str),
}

/// What is told of a publish that was answered.
#[derive(Debug)]
pub(crate) enum Purpose {
    /// Nothing, if it succeeds. An error names the channel.
    Told(Channel),
    /// A caller waits for the answer.
    Asked(Channel, Answer),
}

#[derive(Debug)]
pub(crate) struct Leaving {
    pub(crate) channel: Channel,
    /// What ends with it.
    pub(crate) queue: Option<Arc<Queue>>,
    pub(crate) answer: Option<Answer>,
}

/// Tells one who waits what the server has said: nothing, or an error.
#[derive(Debug)]
pub(crate) struct Answer(Sender<Result<(), String>>);

/// Waits for an answer.
#[derive(Debug)]
pub(crate) struct Waiting(Receiver<Result<(), String>>);

impl Answer {
    pub(crate) fn new() -> (Self, Waiting) {
        let (sender, receiver) = async_channel::bounded(1);
        (Self(sender), Waiting(receiver))
    }

    pub(super) fn give(self, said: Result<(), String>) {
        let _ = self.0.try_send(said);
    }
}

impl Waiting {
    /// The server's answer; `None` if the connection was lost before.
    pub(crate) async fn answer(self) -> Option<Result<(), String>> {
        self.0.recv().await.ok()
    }
}
