//! Refuses messages: tells their senders, and counts them.

use bytes::Bytes;

use crate::{
    MessageId, Subject,
    driver::{
        Logged, Mailbox, Seen, Shared,
        routes::{Members, Route},
    },
    proto::{
        Detail, Reason, ReasonCode,
        frame::{Frame, Head, Refusable, Source, StreamId},
    },
    transport::{Address, Target},
};

impl Shared {
    pub(super) fn refuse_request(&self, route: &Route, head: &Head, code: ReasonCode) {
        if let Some(request) = head.request {
            self.refuse_asker(route, &head.source, request.message, code);
        }
    }

    fn refuse_asker(&self, route: &Route, asker: &Source, message: MessageId, code: ReasonCode) {
        let failure = Frame::Failure {
            message,
            instance: self.source.instance,
            target: route.target,
            started: false,
            reason: code.into(),
            detail: Detail::default(),
        };
        self.refuse(route, code, asker.inbox(), failure.encode());
    }

    pub(super) fn refuse_offer(
        &self,
        route: &Route,
        sender: &Source,
        id: StreamId,
        port: u64,
        code: ReasonCode,
    ) {
        let stop = Frame::Stop {
            stream: id,
            receiver: self.receiver(port),
            target: route.target,
            reason: Reason::from(code),
        };
        let (sender, stop) = (sender.inbox(), stop.encode());
        // A plain binding decides once: it must neither accept a repeated offer after refusing it,
        // nor count it as lost twice. In a group, another member may take it.
        if route.target == Target::Plain {
            self.remember_last_word((id, port), (sender.clone(), stop.clone()));
        }
        self.refuse(route, code, sender, stop);
    }

    fn refuse(&self, route: &Route, code: ReasonCode, sender: Address, refusal: Bytes) {
        if code == ReasonCode::Draining {
            self.hand_on(sender, refusal, route.target);
        } else {
            self.post_packet(sender, refusal, None);
        }
    }

    /// Refuses a message that is not understood; once for each plain binding, since each would
    /// accept.
    pub(super) fn refuse_unsupported(&self, route: &Route, members: &Members, what: &Refusable) {
        let code = ReasonCode::Unsupported;
        match what {
            Refusable::Request(asker, message) => {
                self.refuse_asker(route, asker, *message, code);
            }
            Refusable::Offer(sender, message) => {
                let id = StreamId { message: *message, reply: false };
                let each = members.all().iter().map(|member| member.mailbox.port());
                let ports: Vec<_> = match route.target {
                    Target::Plain => each.collect(),
                    Target::Group => vec![0],
                };
                for port in ports {
                    self.refuse_offer(route, sender, id, port, code);
                }
            }
        }
    }

    /// Counts a refused request or offer as lost at a plain binding; in a group, another member may
    /// take it.
    pub(super) fn lose_copy(&self, mailbox: &Mailbox, route: &Route, head: &Head) {
        if route.target == Target::Plain {
            self.lose(mailbox, &route.subject, head);
        }
    }

    pub(in crate::driver) fn lose(&self, mailbox: &Mailbox, subject: &Subject, head: &Head) {
        mailbox.lost.add(1);
        self.counters.lost.add(1);
        let (subject, source) = (Some(subject), Some(&head.source));
        self.log(Logged::Lost, Seen { subject, source, count: 1, ..Seen::default() });
    }
}
