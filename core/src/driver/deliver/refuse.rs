//! Refuses messages: tells their senders, and counts them.

use bytes::Bytes;

use super::PacketDelivery;
use crate::{
    ErrorKind, MessageId, Source,
    driver::{Mailbox, streams::OfferQueue},
    proto::{
        Detail, Reason, ReasonCode,
        frame::{Frame, Head, Refusable, StreamId},
    },
    transport::{Address, Target},
};

impl PacketDelivery<'_> {
    pub(super) fn refuse_request(&self, head: &Head, code: ReasonCode) {
        if let Some(request) = head.request {
            self.refuse_asker(&head.source, request.message, code);
        }
    }

    fn refuse_asker(&self, asker: &Source, message: MessageId, code: ReasonCode) {
        let failure = Frame::Failure {
            message,
            instance: self.shared.source.instance,
            target: self.route.target,
            started: false,
            reason: code.into(),
            detail: Detail::default(),
        };
        self.refuse(code, asker.inbox(), failure.encode());
    }

    pub(super) fn refuse_offer(&self, sender: &Source, id: StreamId, port: u64, code: ReasonCode) {
        let stop = Frame::Stop {
            stream: id,
            receiver: self.shared.receiver(port),
            target: self.route.target,
            reason: Reason::from(code),
        };
        let (sender, stop) = (sender.inbox(), stop.encode());
        // A plain binding decides once: it must neither accept a repeated offer after refusing it,
        // nor count it as lost twice. In a group, another member may take it.
        if self.route.target == Target::Plain {
            let last_word = (sender.clone(), stop.clone());
            self.shared.streams.remember_last_word((id, port), last_word);
        }
        self.refuse(code, sender, stop);
    }

    fn refuse(&self, code: ReasonCode, sender: Address, refusal: Bytes) {
        self.route.tally.fail(ErrorKind::of(code));
        if code == ReasonCode::Draining {
            self.shared.handing_on.hand_on(sender, refusal, self.route.target);
        } else {
            self.shared.post_packet(sender, refusal, None);
        }
    }

    /// Refuses a message that is not understood; once for each plain binding, since each would
    /// accept.
    pub(in crate::driver) fn refuse_unsupported(&self, what: &Refusable) {
        let code = ReasonCode::Unsupported;
        match what {
            Refusable::Request(asker, message) => self.refuse_asker(asker, *message, code),
            Refusable::Offer(sender, message) => {
                let id = StreamId { message: *message, reply: false };
                let each = self.members.all().iter().map(|member| member.mailbox.port());
                let ports: Vec<_> = match self.route.target {
                    Target::Plain => each.collect(),
                    Target::Group => vec![0],
                };
                for port in ports {
                    self.refuse_offer(sender, id, port, code);
                }
            }
        }
    }

    /// Counts a refused request or offer as lost at a plain binding; in a group, another member may
    /// take it.
    pub(super) fn lose_copy(&self, mailbox: &Mailbox, head: &Head) {
        if self.route.target == Target::Plain {
            mailbox.lose(&self.route.subject, head);
        }
    }
}
