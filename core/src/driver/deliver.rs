//! Delivers messages and offers on a subject to the bindings that they are for.

mod layered;
mod refuse;
#[cfg(test)]
mod tests;

use std::{cell::OnceCell, sync::Arc, time::Instant};

use bytes::Bytes;

use self::refuse::Declined;
use super::{
    Arrival, Content, Mailbox, Replier, Shared,
    ground::{EventFields, Logged},
    mailbox::Full,
    routes::{Members, Route},
    streams::OfferQueue,
};
use crate::{
    ErrorKind, MessageId,
    accept::Accepted,
    proto::{
        Detail, Gap, ReasonCode,
        frame::{Head, StreamId},
    },
    transport::Target,
};

/// The delivery of one packet.
pub(super) struct PacketDelivery<'a> {
    pub(super) shared: &'a Shared,
    pub(super) route: &'a Route,
    /// The bindings of the route.
    pub(super) members: &'a mut Members,
    /// The length of the packet.
    pub(super) bytes: usize,
    /// When it is delivered. Read once, and only for a request.
    now: OnceCell<Instant>,
}

/// An offer without its head.
#[derive(Clone, Copy)]
pub(super) struct Offer {
    pub(super) message: MessageId,
    pub(super) length: Option<u64>,
}

impl<'a> PacketDelivery<'a> {
    pub(super) fn new(
        shared: &'a Shared,
        route: &'a Route,
        members: &'a mut Members,
        bytes: usize,
    ) -> Self {
        Self { shared, route, members, bytes, now: OnceCell::new() }
    }

    fn now(&self) -> Instant {
        *self.now.get_or_init(|| self.shared.now())
    }

    /// Delivers a message with its whole body.
    pub(super) fn message(&mut self, head: Arc<Head>, body: Bytes) {
        let target = self.route.target;
        if target == Target::Plain {
            for at in 0..self.members.all().len() {
                self.note(at, &head);
            }
        }
        let (first, last) = match (target, self.members.all()) {
            (Target::Plain, []) => return,
            (Target::Group, []) => return self.pass_on(&head, &body),
            (Target::Plain, all) => (0, all.len() - 1),
            (Target::Group, all) => {
                let roomy = all.iter().position(|member| member.mailbox.has_room(self.bytes));
                let at = roomy.unwrap_or(0);
                (at, at)
            }
        };
        for at in first..last {
            self.message_to(at, Arc::clone(&head), body.clone());
        }
        self.message_to(last, head, body);
    }

    fn message_to(&mut self, at: usize, head: Arc<Head>, body: Bytes) {
        let mailbox = self.mailbox(at);
        // Checked first: a refused request must not create a replier, whose drop would answer it.
        if head.request.is_some() && !self.takes_request(mailbox) {
            self.lose_copy(mailbox, &head);
            let tally = &mailbox.record.tally;
            return self.refuse_request(tally, &head, ReasonCode::Overloaded.into());
        }
        let (mut at, mut accepted) = (at, Accepted::default());
        if self.has_gate(at) {
            match self.accept_message(at, &head, &body) {
                Ok(by) => (at, accepted) = by,
                Err(refusal) => return self.refuse_message(at, &head, &refusal),
            }
        }
        let arrival = self.arrival(head, Content::Whole(body), accepted);
        let Err(Full(arrival)) = self.give(at, arrival) else { return };
        let mailbox = self.mailbox(at);
        if mailbox.is_complete() {
            // The binding was unbound a moment ago, so nothing is lost.
            if self.route.target == Target::Group {
                self.give_back(arrival);
            }
        } else if let Some(replier) = &arrival.replier {
            self.lose_copy(mailbox, &arrival.head);
            mailbox.record.tally.fail(ErrorKind::Overloaded);
            replier.fail(ReasonCode::Overloaded.into(), Detail::default());
        } else {
            mailbox.record.tally.fail(ErrorKind::Overloaded);
            mailbox.lose(&self.route.subject, &arrival.head);
        }
    }

    /// Hands on a message that was routed here before the broker knew that the last member had
    /// left. If its sender can be told, it asks the group again.
    fn pass_on(&self, head: &Head, body: &[u8]) {
        if head.request.is_some() {
            self.refuse_request(&self.route.tally, head, ReasonCode::Draining.into());
        } else {
            self.shared.handing_on.send_again(self.route.subject.clone(), head, body);
        }
    }

    /// Delivers an offer.
    pub(super) fn offer(&mut self, head: &Arc<Head>, offer: Offer) {
        let count = self.members.all().len();
        let stream = StreamId { message: offer.message, reply: false };
        let refused = match self.route.target {
            Target::Plain => {
                for at in 0..count {
                    self.note(at, head);
                    if let Err(declined) = self.offer_to(at, head, offer) {
                        let mailbox = self.mailbox(at);
                        self.count_copy(mailbox, head, &declined);
                        let tally = &mailbox.record.tally;
                        let (port, reason) = (mailbox.port(), declined.reason());
                        self.refuse_offer(tally, &head.source, (stream, port), reason);
                    }
                }
                return;
            }
            Target::Group => {
                // Prefer a member that already has it from an earlier offer.
                let streams = &self.shared.streams;
                let has_it = |mailbox: &Mailbox| {
                    let port = mailbox.port();
                    streams.inbound_at(stream, port).is_some()
                        || streams.last_word(stream, port).is_some()
                };
                let all = self.members.all();
                let before = all.iter().position(|member| has_it(&member.mailbox));
                let mut declined = Declined::Code(ReasonCode::Draining);
                for at in before.into_iter().chain(0..count) {
                    match self.offer_to(at, head, offer) {
                        Ok(()) => return,
                        Err(by) => declined = by,
                    }
                    if declined.is_final() {
                        break;
                    }
                }
                declined
            }
        };
        self.refuse_offer(&self.route.tally, &head.source, (stream, 0), refused.reason());
    }

    fn offer_to(&mut self, at: usize, head: &Arc<Head>, offer: Offer) -> Result<(), Declined> {
        let (mailbox, streams) = (self.mailbox(at), &self.shared.streams);
        let id = StreamId { message: offer.message, reply: false };
        if let Some(open) = streams.inbound_at(id, mailbox.port()) {
            open.offered_again();
            return Ok(());
        }
        if streams.repeat_last_word(id, mailbox.port()) {
            return Ok(());
        }
        if !self.has_room(mailbox, head) {
            return Err(Declined::Code(ReasonCode::Overloaded));
        }
        let accepted = match self.has_gate(at) {
            true => self.accept(at, head, None, offer.length).map_err(Declined::Layer)?,
            false => Accepted::default(),
        };
        let (target, queue) = (self.route.target, Arc::clone(mailbox));
        let stream = streams
            .accept(id, target, offer.length, &head.source, self.bytes, queue)
            .map_err(Declined::Code)?;
        let deadline = self.deadline(head);
        let content =
            Content::stream(stream, offer.length, deadline).counted_by(&self.mailbox(at).record);
        let arrival = self.arrival(Arc::clone(head), content, accepted);
        // Full means that it was unbound a moment ago.
        if let Err(Full(arrival)) = self.give(at, arrival) {
            self.give_back(arrival);
        }
        Ok(())
    }

    fn mailbox(&self, at: usize) -> &Arc<Mailbox> {
        &self.members.all()[at].mailbox
    }

    fn give(&mut self, at: usize, arrival: Arrival) -> Result<(), Full> {
        let bytes = arrival.content.whole().map_or(0, <[u8]>::len);
        self.mailbox(at).record.tally.arrive(bytes);
        self.members.give(&self.shared.routes, at, arrival, self.bytes).inspect_err(|_| {
            // Nothing has taken it, so that the members are as they were.
            self.members.all()[at].mailbox.record.tally.take_back(bytes);
        })
    }

    fn give_back(&self, arrival: Arrival) {
        self.shared.handing_on.give_back(self.route.target, arrival);
    }

    /// Returns whether a message may wait in a binding.
    fn has_room(&self, mailbox: &Mailbox, head: &Head) -> bool {
        match head.request {
            Some(_) => self.takes_request(mailbox),
            None => mailbox.has_room(self.bytes),
        }
    }

    /// Returns whether a request may wait in a binding. A member of a group where requests have
    /// waited for too long leaves new ones to the others.
    fn takes_request(&self, mailbox: &Mailbox) -> bool {
        let too_long = self.now().checked_sub(self.shared.config.request_wait);
        let is_group = self.route.target == Target::Group;
        mailbox.has_room(self.bytes) && !(is_group && mailbox.has_kept_waiting(too_long))
    }

    fn arrival(&self, head: Arc<Head>, content: Content, accepted: Accepted) -> Arrival {
        let replier = head.request.map(|request| {
            let is_whole = matches!(content, Content::Whole(_));
            let (serving, asker) = (&self.shared.serving, head.source.clone());
            Replier::new(serving, self.now(), request, asker, self.route.target, is_whole)
        });
        let (deadline, subject) = (self.deadline(&head), self.route.subject.clone());
        Arrival { head, subject, replier, deadline, content, accepted }
    }

    fn deadline(&self, head: &Head) -> Option<Instant> {
        let left = head.request?.time_left?;
        self.now().checked_add(left)
    }

    /// Notes the number of a message. A plain binding receives every message, so a gap is a loss.
    fn note(&mut self, at: usize, head: &Head) {
        let Some(number) = head.sequence else { return };
        let member = &mut self.members.all_mut()[at];
        let (missed, all_missed) = (&member.mailbox.record.missed, &self.shared.counters.missed);
        match member.seen.note(head.source.instance, number) {
            Gap::None => {}
            Gap::Missed(count) => {
                missed.add(count);
                all_missed.add(count);
                let seen = EventFields::about(&self.route.subject, &head.source, count);
                self.shared.log(Logged::Missed, seen);
            }
            Gap::Filled => {
                missed.take_back(1);
                all_missed.take_back(1);
            }
        }
    }
}
