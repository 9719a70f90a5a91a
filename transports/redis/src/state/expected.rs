use std::sync::Arc;

use super::{Answer, Channel, Notice, Queue};

/// What a reply will be about.
#[derive(Debug)]
pub(crate) enum Expected {
    Published {
        undelivered: Option<Notice>,
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
    /// Whether it is a primary. If so, nobody has got the packet before.
    Role(Option<Notice>),
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
