//! What a file says. Times are in milliseconds, lengths in bytes; bytes stand as hexadecimal digits.

use std::{collections::BTreeMap, time::Duration};

use bytes::Bytes;
use conduit::{
    InstanceId, MessageId,
    proto::{AskerLimits, InboundLimits, OutboundLimits},
    transport::{Target, Targets},
};
use serde::Deserialize;

use crate::hex;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Script {
    /// For readers.
    #[serde(rename = "about")]
    _about: String,
    pub(crate) limits: Limits,
    /// The key of the senders' nonces.
    pub(crate) nonce_key: String,
    pub(crate) parties: BTreeMap<String, Instance>,
    pub(crate) steps: Vec<Step>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Limits {
    first_credit: u64,
    window: u64,
    answer: u64,
    send_timeout: u64,
    request_wait: u64,
    join_window: u64,
    lag: u64,
    idle: u64,
    retry: u64,
    ack_delay: u64,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Instance {
    pub(crate) service: String,
    instance: String,
    /// Of one that receives messages: how, and the number of its binding.
    pub(crate) target: Option<String>,
    pub(crate) port: Option<u64>,
}

/// One thing that happens, in the order of time.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Step {
    pub(crate) at: u64,
    pub(crate) by: String,
    /// A packet that the party publishes.
    pub(crate) says: Option<Packet>,
    /// What its local user does.
    pub(crate) does: Option<Call>,
    /// What its local user is told.
    pub(crate) sees: Option<Event>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Packet {
    /// Its type.
    pub(crate) frame: String,
    /// The party whose inbox it goes to; or the bindings of the subject (`plain`, `group`, `both`), or
    /// the control address (`control`).
    pub(crate) to: String,
    pub(crate) hex: String,
    /// When which party gets it, and `broker` where that matters. To others it is lost.
    pub(crate) arrives: BTreeMap<String, u64>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Call {
    /// Sends a body, which is then pushed.
    Offer { message: String, targets: String, length: Option<u64> },
    /// Sends a request of one packet.
    Ask { message: String, targets: String, time_left: u64, credit: u64, body: String },
    /// The next bytes of a body.
    Push(String),
    /// There are no more.
    Finish,
    /// Takes the offer.
    Accept,
    /// Refuses the offer or the request, with this code.
    Refuse(u64),
    /// The handler starts.
    Start,
    /// Reads until there is nothing more for now.
    Read,
    /// Replies in one packet.
    Reply(String),
    /// Replies with a body, which is then pushed.
    ReplyStream { message: String, length: Option<u64> },
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Event {
    /// The reader gets these bytes.
    Bytes(String),
    /// The reader gets the end of the body.
    End,
    /// The sender has ended it, with this code.
    Reset(u64),
    /// What became of a body that was sent: who has it, and who has failed with which code.
    Outcome { delivered: Vec<String>, failed: BTreeMap<String, u64> },
    /// The reply to a request.
    Reply(String),
    /// A reply whose body follows.
    ReplyStream,
    /// There was no reply in time.
    Deadline,
}

impl Instance {
    pub(crate) fn id(&self) -> InstanceId {
        InstanceId::from_bytes(hex::array(&self.instance))
    }

    pub(crate) fn target(&self) -> Target {
        match targets(self.target.as_deref().expect("it receives")) {
            Targets::Plain => Target::Plain,
            Targets::Group => Target::Group,
            Targets::Both => panic!("a binding is of one kind"),
        }
    }
}

impl Limits {
    pub(crate) fn outbound(&self) -> OutboundLimits {
        OutboundLimits {
            window: self.window,
            chunks: 1024,
            answer: millis(self.answer),
            patience: millis(self.send_timeout),
            join: millis(self.join_window),
            expect: None,
            lag: millis(self.lag),
            idle: millis(self.idle),
            retry: millis(self.retry),
        }
    }

    pub(crate) fn inbound(&self) -> InboundLimits {
        InboundLimits {
            initial: self.first_credit,
            window: self.window,
            answer: millis(self.answer),
            idle: millis(self.idle),
            retry: millis(self.retry),
            ack_delay: millis(self.ack_delay),
        }
    }

    pub(crate) fn asker(&self) -> AskerLimits {
        AskerLimits {
            answer: millis(self.answer),
            idle: millis(self.idle),
            patience: millis(self.send_timeout),
            refusal: millis(2 * self.request_wait),
            retry: millis(self.retry),
        }
    }
}

pub(crate) fn millis(time: u64) -> Duration {
    Duration::from_millis(time)
}

pub(crate) fn message(text: &str) -> MessageId {
    MessageId::from_bytes(hex::array(text))
}

pub(crate) fn body(text: &str) -> Bytes {
    hex::bytes(text)
}

pub(crate) fn targets(name: &str) -> Targets {
    match name {
        "plain" => Targets::Plain,
        "group" => Targets::Group,
        "both" => Targets::Both,
        name => panic!("there are no targets {name:?}"),
    }
}

pub(crate) fn name(targets: Targets) -> &'static str {
    match targets {
        Targets::Plain => "plain",
        Targets::Group => "group",
        Targets::Both => "both",
    }
}
