//! What the local user of a party does.

use std::{sync::Arc, time::Instant};

use conduit::{
    Source,
    proto::{
        Asked, Asker, Inbound, Offered, Outbound, Read, Reason, ReasonCode,
        frame::{Frame, Receiver, Request, StreamId},
    },
    transport::Targets,
};

use super::{Asking, Party, Said};
use crate::{
    hex,
    script::{Call, Event, body, message, millis, targets},
};

impl Party {
    pub(crate) fn call(&mut self, now: Instant, call: Call) {
        match call {
            Call::Offer { message: id, targets: to, length } => {
                let (head, nonces, limits) =
                    (self.head(), self.nonces.clone(), self.limits.outbound());
                let (id, to) = (message(&id), targets(&to));
                self.outbound = Some(Outbound::offer(now, id, head, to, length, nonces, limits));
            }
            Call::Ask { message: id, targets: to, time_left, credit, body: text } => {
                let lanes: &[Targets] = match targets(&to) {
                    Targets::Plain => &[Targets::Plain],
                    Targets::Group => &[Targets::Group],
                    Targets::Both => &[Targets::Both],
                };
                let deadline = now + millis(time_left);
                let asker = Asker::whole(now, lanes, Some(deadline), self.limits.asker());
                let request = Request { message: message(&id), time_left: None, credit };
                self.asking = Some(Asking { asker, request, deadline, body: body(&text) });
            }
            Call::Push(text) => {
                let (outbound, bytes) = (self.outbound.as_mut().expect("it sends"), body(&text));
                assert!(outbound.capacity() >= bytes.len(), "there is room for {text}");
                outbound.push(&bytes);
            }
            Call::Finish => self.outbound.as_mut().expect("it sends").finish(),
            Call::Accept => self.accept(now),
            Call::Refuse(code) => self.refuse(ReasonCode::from_wire(code).into()),
            Call::Start => self.start(),
            Call::Read => self.read(),
            Call::Reply(text) => {
                let (source, request) = self.answer();
                let (message, head) = (request.message, Arc::new(self.head()));
                self.say(&source, &Frame::Reply { message, head, body: body(&text) });
                self.drop_request();
            }
            Call::ReplyStream { message: id, length } => {
                let (source, request) = self.answer();
                let asker = Receiver { instance: source.instance, port: 0 };
                let asked = Asked { request: request.message, asker, credit: request.credit };
                let (head, limits) = (self.head(), self.limits.outbound());
                let outbound = Outbound::reply(now, message(&id), head, asked, length, limits);
                self.outbound = Some(outbound);
            }
        }
    }

    fn start(&mut self) {
        self.start_request();
        if let Some(it) = &mut self.inbound {
            assert!(it.inbound.is_confirmed(), "its handler may start");
            it.inbound.start(&mut self.budget);
        }
    }

    fn accept(&mut self, now: Instant) {
        let Some(Frame::Offer { head, message, target, length }) = self.pending.take() else {
            panic!("nothing is offered");
        };
        let stream = StreamId { message, reply: false };
        let limits = self.limits.inbound();
        let receiver = self.receiver();
        let claim = self.budget.offer(
            now,
            &Offered {
                stream,
                source: &head.source,
                port: receiver.port,
                first: limits.first(length),
                packet: 100,
                free_places: 1 << 10,
                free_packets: 1 << 20,
            },
        );
        let claim = claim.expect("there is room");
        let inbound = Inbound::offered(now, stream, receiver, target, length, limits, claim);
        self.receive(inbound, &head.source);
    }

    /// A member of the group refuses an offer for all its bindings.
    fn refuse(&mut self, reason: Reason) {
        match self.pending.take() {
            Some(Frame::Offer { head, message, target, .. }) => {
                let receiver = match Targets::from(target) {
                    Targets::Group => Receiver { port: 0, ..self.receiver() },
                    _ => self.receiver(),
                };
                let stream = StreamId { message, reply: false };
                self.say(&head.source, &Frame::Stop { stream, receiver, target, reason });
            }
            None => self.refuse_request(reason),
            other => panic!("nothing can be refused: {other:?}"),
        }
    }

    fn read(&mut self) {
        let it = self.inbound.as_mut().expect("it receives");
        loop {
            match it.inbound.read(&mut self.budget) {
                Read::Pending => return,
                Read::Chunk(bytes) => self.sees.push_back(Event::Bytes(hex::text(&bytes))),
                Read::End => return self.sees.push_back(Event::End),
                Read::Failed(reason) => panic!("it has failed: {reason}"),
            }
        }
    }

    fn receiver(&self) -> Receiver {
        Receiver { instance: self.instance.id(), port: self.instance.port.expect("it receives") }
    }

    pub(super) fn say(&mut self, to: &Source, frame: &Frame) {
        let to = self.names[&to.instance].clone();
        self.says.push_back(Said { to, packet: frame.encode() });
    }
}
