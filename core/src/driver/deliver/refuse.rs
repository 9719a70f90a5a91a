//! Refuses messages: tells their senders, and counts them.

use bytes::Bytes;

use super::PacketDelivery;
use crate::{
    ErrorKind, MessageId, Source,
    accept::Refusal,
    driver::{Mailbox, Tally, streams::OfferQueue},
    proto::{
        Detail, Reason, ReasonCode,
        frame::{Frame, Head, Refusable, StreamId},
    },
    transport::{Address, Target},
};

impl PacketDelivery<'_> {
    pub(super) fn refuse_request(&self, tally: &Tally, head: &Head, reason: Reason) {
        if let Some(request) = head.request {
            self.refuse_asker(tally, &head.source, request.message, reason);
        }
    }

    fn refuse_asker(&self, tally: &Tally, asker: &Source, message: MessageId, reason: Reason) {
        let code = reason.code;
        let failure = Frame::Failure {
            message,
            instance: self.shared.source.instance,
            target: self.route.target,
            started: false,
            reason,
            detail: Detail::default(),
        };
        tally.fail(ErrorKind::of(code));
        self.refuse(code, asker.inbox(), failure.encode());
    }

    pub(super) fn refuse_offer(
        &self,
        tally: &Tally,
        sender: &Source,
        (id, port): (StreamId, u64),
        reason: Reason,
    ) {
        let code = reason.code;
        let reason = self.shared.config.told(reason);
        let stop = Frame::Stop {
            stream: id,
            receiver: self.shared.receiver(port),
            target: self.route.target,
            reason,
        };
        let (sender, stop) = (sender.inbox(), stop.encode());
        // A plain binding decides once: it must neither accept a repeated offer after refusing it,
        // nor count it as lost twice. In a group, another member may take it.
        if self.route.target == Target::Plain {
            let last_word = (sender.clone(), stop.clone());
            self.shared.streams.remember_last_word((id, port), last_word);
        }
        tally.fail(ErrorKind::of(code));
        self.refuse(code, sender, stop);
    }

    fn refuse(&self, code: ReasonCode, sender: Address, refusal: Bytes) {
        if code == ReasonCode::Draining {
            self.shared.handing_on.hand_on(sender, refusal, self.route.target);
        } else {
            self.shared.post_packet(sender, refusal, None);
        }
    }

    /// Refuses a message that is not understood; once for each plain binding, since each would
    /// accept.
    pub(in crate::driver) fn refuse_unsupported(&self, what: &Refusable) {
        let (code, tally) = (ReasonCode::Unsupported, &*self.route.tally);
        match what {
            Refusable::Request(asker, message) => {
                self.refuse_asker(tally, asker, *message, code.into());
            }
            Refusable::Offer(sender, message) => {
                let id = StreamId { message: *message, reply: false };
                let each = self.members.all().iter().map(|member| member.mailbox.port());
                let ports: Vec<_> = match self.route.target {
                    Target::Plain => each.collect(),
                    Target::Group => vec![0],
                };
                for port in ports {
                    self.refuse_offer(tally, sender, (id, port), code.into());
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

    /// Counts an offer that a plain binding has declined; in a group, another member may take it.
    pub(super) fn count_copy(&self, mailbox: &Mailbox, head: &Head, declined: &Declined) {
        match declined {
            Declined::Layer(refusal) if self.route.target == Target::Plain => {
                mailbox.count_refused(&self.route.subject, &head.source, refusal);
            }
            Declined::Layer(_) => {}
            Declined::Code(_) => self.lose_copy(mailbox, head),
        }
    }
}

/// Why a binding does not take an offer.
pub(super) enum Declined {
    Code(ReasonCode),
    Layer(Refusal),
}

impl Declined {
    pub(super) fn reason(&self) -> Reason {
        match self {
            Self::Code(code) => (*code).into(),
            Self::Layer(refusal) => refusal.reason().clone(),
        }
    }

    /// Returns whether no other member of the group should be asked.
    pub(super) fn is_final(&self) -> bool {
        matches!(self, Self::Layer(refusal) if !refusal.is_busy())
    }
}
