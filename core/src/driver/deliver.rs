//! Delivers packets on a subject to the bindings that they are for.

mod refuse;
#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Instant};

use bytes::Bytes;

use super::{
    Arrival, Logged, Mailbox, Replier, Seen, Shared,
    mailbox::Full,
    routes::{Member, Members, Route},
};
use crate::{
    MessageId,
    body::Content,
    proto::{
        Detail, Gap, ProtocolError, ReasonCode,
        frame::{Frame, Head, Known, StreamId},
    },
    transport::Target,
};

/// An offer without its head.
#[derive(Clone, Copy)]
struct Offer {
    message: MessageId,
    length: Option<u64>,
    /// The length of its packet.
    bytes: usize,
}

impl Shared {
    /// Handles a packet that arrived on a subject.
    pub(super) fn handle_subject(
        self: &Arc<Self>,
        route: &Route,
        packet: Bytes,
        known: &mut Known,
        members: &mut Members,
    ) {
        let bytes = packet.len();
        let frame = match Frame::decode_known(packet, known) {
            Ok(frame) => frame,
            Err(error) => {
                self.not_understood(Some(&route.subject), &error);
                if let ProtocolError::Unsupported(_, what) = &error {
                    members.look_up(self, route);
                    self.refuse_unsupported(route, members, what);
                }
                return;
            }
        };
        members.look_up(self, route);
        match frame {
            Frame::Message { head, body } => self.deliver_whole(route, members, head, body, bytes),
            Frame::Offer { head, message, length, target } if target == route.target => {
                self.deliver_offer(route, members, &head, Offer { message, length, bytes });
            }
            Frame::Data { .. } => self.handle_sender(frame),
            Frame::Probe { .. } => {}
            _ => self.counters.invalid.add(1),
        }
    }

    fn deliver_whole(
        self: &Arc<Self>,
        route: &Route,
        members: &mut Members,
        head: Box<Head>,
        body: Bytes,
        bytes: usize,
    ) {
        if route.target == Target::Plain {
            for member in members.all_mut() {
                self.note(route, member, &head);
            }
        }
        let (first, last) = match (route.target, members.all()) {
            (Target::Plain, []) => return,
            (Target::Group, []) => return self.pass_on(route, &head, &body),
            (Target::Plain, all) => (0, all.len() - 1),
            (Target::Group, all) => {
                let roomy = all.iter().position(|member| member.mailbox.has_room(self, bytes));
                let at = roomy.unwrap_or(0);
                (at, at)
            }
        };
        for at in first..last {
            self.deliver_whole_to(route, members, at, head.clone(), body.clone(), bytes);
        }
        self.deliver_whole_to(route, members, last, head, body, bytes);
    }

    fn deliver_whole_to(
        self: &Arc<Self>,
        route: &Route,
        members: &mut Members,
        at: usize,
        head: Box<Head>,
        body: Bytes,
        bytes: usize,
    ) {
        let mailbox = &members.all()[at].mailbox;
        // Checked first: a refused request must not create a replier, whose drop would answer it.
        if head.request.is_some() && !self.takes_request(route, mailbox, bytes) {
            self.lose_copy(mailbox, route, &head);
            return self.refuse_request(route, &head, ReasonCode::Overloaded);
        }
        let arrival = self.arrival(route, head, Content::Whole(body));
        let Err(Full(arrival)) = members.give(self, at, arrival, bytes) else { return };
        let mailbox = &members.all()[at].mailbox;
        if mailbox.is_complete() {
            // The binding was unbound a moment ago, so nothing is lost.
            if route.target == Target::Group {
                self.give_back(route, arrival);
            }
        } else if let Some(replier) = &arrival.replier {
            self.lose_copy(mailbox, route, &arrival.head);
            replier.fail(ReasonCode::Overloaded.into(), Detail::default());
        } else {
            self.lose(mailbox, &route.subject, &arrival.head);
        }
    }

    /// Hands on a message that was routed here before the broker knew that the last member had
    /// left. If its sender can be told, it asks the group again.
    fn pass_on(&self, route: &Route, head: &Head, body: &[u8]) {
        if head.request.is_some() {
            self.refuse_request(route, head, ReasonCode::Draining);
        } else {
            let packet = Frame::message(head.borrowed(), body);
            self.hand_on(self.address_of(route), packet, route.target);
        }
    }

    fn deliver_offer(
        self: &Arc<Self>,
        route: &Route,
        members: &mut Members,
        head: &Head,
        offer: Offer,
    ) {
        let count = members.all().len();
        let stream = StreamId { message: offer.message, reply: false };
        let refused = match route.target {
            Target::Plain => {
                for at in 0..count {
                    self.note(route, &mut members.all_mut()[at], head);
                    if let Err(code) = self.deliver_offer_to(route, members, at, head, offer) {
                        let mailbox = &members.all()[at].mailbox;
                        self.lose_copy(mailbox, route, head);
                        self.refuse_offer(route, &head.source, stream, mailbox.port(), code);
                    }
                }
                return;
            }
            Target::Group => {
                // Prefer a member that already has it from an earlier offer.
                let has_it = |mailbox: &Mailbox| {
                    let port = mailbox.port();
                    self.inbound_at(stream, port).is_some()
                        || self.last_word(stream, port).is_some()
                };
                let before = members.all().iter().position(|member| has_it(&member.mailbox));
                let mut refused = ReasonCode::Draining;
                for at in before.into_iter().chain(0..count) {
                    match self.deliver_offer_to(route, members, at, head, offer) {
                        Ok(()) => return,
                        Err(code) => refused = code,
                    }
                }
                refused
            }
        };
        self.refuse_offer(route, &head.source, stream, 0, refused);
    }

    fn deliver_offer_to(
        self: &Arc<Self>,
        route: &Route,
        members: &mut Members,
        at: usize,
        head: &Head,
        offer: Offer,
    ) -> Result<(), ReasonCode> {
        let mailbox = &members.all()[at].mailbox;
        let id = StreamId { message: offer.message, reply: false };
        if let Some(open) = self.inbound_at(id, mailbox.port()) {
            open.offered_again(self);
            return Ok(());
        }
        if self.repeat_last_word(id, mailbox.port()) {
            return Ok(());
        }
        let has_room = match head.request {
            Some(_) => self.takes_request(route, mailbox, offer.bytes),
            None => mailbox.has_room(self, offer.bytes),
        };
        if !has_room {
            return Err(ReasonCode::Overloaded);
        }
        let Offer { length, bytes, .. } = offer;
        let stream = self.accept(id, route.target, length, &head.source, bytes, mailbox)?;
        let deadline = self.deadline(head);
        let content = Content::stream(self, stream, offer.length, deadline);
        let arrival = self.arrival(route, Box::new(head.clone()), content);
        // Full means that it was unbound a moment ago.
        if let Err(Full(arrival)) = members.give(self, at, arrival, offer.bytes) {
            self.give_back(route, arrival);
        }
        Ok(())
    }

    /// Returns whether a request may wait in a binding. A member of a group where requests have
    /// waited for too long leaves new ones to the others.
    fn takes_request(&self, route: &Route, mailbox: &Mailbox, bytes: usize) -> bool {
        let too_long = self.now().checked_sub(self.config.request_wait);
        let keeps_waiting = || route.target == Target::Group && mailbox.has_kept_waiting(too_long);
        mailbox.has_room(self, bytes) && !keeps_waiting()
    }

    fn arrival(self: &Arc<Self>, route: &Route, head: Box<Head>, content: Content) -> Arrival {
        let replier = head.request.map(|request| {
            let is_whole = matches!(content, Content::Whole(_));
            Replier::new(self, request, head.source.clone(), route.target, is_whole)
        });
        Arrival {
            deadline: self.deadline(&head),
            head,
            subject: route.subject.clone(),
            replier,
            content,
        }
    }

    fn deadline(&self, head: &Head) -> Option<Instant> {
        let left = head.request?.time_left?;
        self.now().checked_add(left)
    }

    /// Notes the number of a message. A plain binding receives every message, so a gap is a loss.
    fn note(&self, route: &Route, member: &mut Member, head: &Head) {
        let Some(number) = head.sequence else { return };
        let missed = &member.mailbox.missed;
        match member.seen.note(head.source.instance, number) {
            Gap::None => {}
            Gap::Missed(count) => {
                missed.add(count);
                self.counters.missed.add(count);
                self.log_messages(Logged::Missed, route, head, count);
            }
            Gap::Filled => {
                missed.take_back(1);
                self.counters.missed.take_back(1);
            }
        }
    }

    fn log_messages(&self, event: Logged, route: &Route, head: &Head, count: u64) {
        let (subject, source) = (Some(&route.subject), Some(&head.source));
        self.log(event, Seen { subject, source, count, ..Seen::default() });
    }
}
