//! One party of a conversation: an instance with one binding, and the machines that it drives.

mod answering;
mod calls;

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    time::Instant,
};

use bytes::Bytes;
use conduit::{
    Headers, InstanceId, ServiceName, Source,
    proto::{
        Asker, AskerEvent, AskerTransmit, Budget, BudgetLimits, Inbound, Nonces, Outbound, Paths,
        Recipient, RequestFailure,
        frame::{Frame, Head, Receiver, Request, StreamId},
    },
    transport::Target,
};

use self::answering::Answering;
use crate::{
    hex,
    script::{Event, Instance, Limits, name},
};

/// The names of the parties, by their instances.
pub(crate) type Names = BTreeMap<InstanceId, String>;

/// A packet, and where it goes.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) to: String,
    pub(crate) packet: Bytes,
}

#[derive(Debug)]
pub(crate) struct Party {
    instance: Instance,
    limits: Limits,
    nonces: Nonces,
    names: Names,
    budget: Budget,
    outbound: Option<Outbound>,
    paths: Paths,
    inbound: Option<Receiving>,
    asking: Option<Asking>,
    answering: Option<Answering>,
    /// An offer that its user has not answered yet.
    pending: Option<Frame>,
    says: VecDeque<Said>,
    sees: VecDeque<Event>,
}

/// The receiving half of a body, and whose it is.
#[derive(Debug)]
struct Receiving {
    inbound: Inbound,
    sender: String,
    /// Its user knows that it has failed.
    is_over: bool,
}

#[derive(Debug)]
struct Asking {
    asker: Asker,
    request: Request,
    deadline: Instant,
    body: Bytes,
}

impl Party {
    pub(crate) fn new(instance: Instance, limits: &Limits, key: [u8; 16], names: Names) -> Self {
        Self {
            instance,
            limits: limits.clone(),
            nonces: Nonces::new(key),
            names,
            budget: Budget::new(BudgetLimits {
                bytes: 1 << 20,
                first: limits.inbound().initial,
                bodies: 1 << 10,
                bodies_per_binding: 1 << 10,
                places: 1 << 10,
                packets: 1 << 20,
            }),
            outbound: None,
            paths: Paths::default(),
            inbound: None,
            asking: None,
            answering: None,
            pending: None,
            says: VecDeque::new(),
            sees: VecDeque::new(),
        }
    }

    /// A packet for its inbox or its binding.
    pub(crate) fn handle(&mut self, now: Instant, frame: Frame) {
        match &frame {
            Frame::Message { head, .. } => self.handle_request(now, head),
            Frame::Cancel { message } => self.handle_cancel(*message),
            Frame::Offer { .. } => match &mut self.inbound {
                Some(it) => it.inbound.handle_offer(now),
                None => self.pending = Some(frame),
            },
            Frame::Accept { .. } | Frame::Credit { .. } | Frame::Stop { .. } => {
                let outbound = self.outbound.as_mut().expect("it sends");
                outbound.handle_frame(now, frame, &mut self.paths);
            }
            Frame::Reply { .. }
            | Frame::ReplyStream { .. }
            | Frame::Failure { .. }
            | Frame::Alive { .. } => self.handle_answer(now, frame),
            Frame::Probe { .. } | Frame::Batch { .. } => {}
            _ => self.handle_sender(now, &frame),
        }
    }

    /// What a sender says.
    fn handle_sender(&mut self, now: Instant, frame: &Frame) {
        let Self { inbound, budget, sees, .. } = self;
        let it = inbound.as_mut().expect("it receives");
        let is_known = it.inbound.handle_frame(now, frame.clone(), budget);
        assert!(is_known, "no sender says {frame:?}");
        if let Some(reason) = it.inbound.failure().filter(|_| !it.is_over) {
            it.is_over = true;
            sees.push_back(Event::Reset(reason.code.to_wire()));
        }
    }

    /// What an answerer says.
    fn handle_answer(&mut self, now: Instant, frame: Frame) {
        let asker = &mut self.asking.as_mut().expect("it asks").asker;
        match frame {
            Frame::Reply { body, .. } => {
                assert!(asker.handle_reply(now), "it is wanted");
                self.sees.push_back(Event::Reply(hex::text(&body)));
            }
            Frame::ReplyStream { message, head, length, .. } => {
                assert!(asker.handle_reply(now), "it is wanted");
                self.sees.push_back(Event::ReplyStream);
                let stream = StreamId { message, reply: true };
                let limits = self.limits.inbound();
                let first = limits.first(length);
                let claim = self.budget.reply(now, stream, &head.source, first);
                let reader = Receiver { instance: self.instance.id(), port: 0 };
                let inbound =
                    Inbound::reply(now, stream, reader, length, limits.initial, limits, claim);
                self.receive(inbound, &head.source);
            }
            Frame::Failure { instance, target, started, reason, detail, .. } => {
                let failure = RequestFailure { instance, target, started, reason, detail };
                asker.handle_failure(now, failure);
            }
            Frame::Alive { instance, target, .. } => asker.handle_alive(now, target, instance),
            frame => panic!("no answerer says {frame:?}"),
        }
    }

    /// The broker has an offer.
    pub(crate) fn handle_published(&mut self, now: Instant, frame: &Frame) {
        let Frame::Offer { target, .. } = frame else {
            panic!("nothing depends on when the broker has {frame:?}");
        };
        self.outbound.as_mut().expect("it sends").handle_offered(now, *target);
    }

    pub(crate) fn next_time(&self) -> Option<Instant> {
        let outbound = self.outbound.as_ref().and_then(Outbound::poll_timeout);
        let inbound = self.inbound.as_ref().and_then(|it| it.inbound.poll_timeout());
        let asker = self.asking.as_ref().and_then(|it| it.asker.poll_timeout());
        outbound.into_iter().chain(inbound).chain(asker).chain(self.answer_time()).min()
    }

    /// What it says now.
    pub(crate) fn settle(&mut self, now: Instant) -> Vec<Said> {
        self.settle_outbound(now);
        if let Some(Receiving { inbound, sender, .. }) = &mut self.inbound {
            inbound.handle_timeout(now, &mut self.budget);
            while let Some(packet) = inbound.poll_transmit(now) {
                self.says.push_back(Said { to: sender.clone(), packet });
            }
        }
        self.settle_answering(now);
        self.settle_asking(now);
        self.says.drain(..).collect()
    }

    fn settle_outbound(&mut self, now: Instant) {
        let Some(mut outbound) = self.outbound.take() else { return };
        outbound.handle_timeout(now, &mut self.paths);
        while let Some(transmit) = outbound.poll_transmit(now, &mut self.paths) {
            if let Some(receiver) = transmit.confirm {
                assert!(outbound.handle_confirming(receiver), "it has not failed");
            }
            let to = match transmit.to {
                Recipient::Bindings(target) => name(target.into()).to_owned(),
                Recipient::Inbox(instance) => self.names[&instance].clone(),
            };
            self.says.push_back(Said { to, packet: transmit.packet });
        }
        let Some(outcome) = outbound.outcome() else {
            self.outbound = Some(outbound);
            return;
        };
        // The handler that has replied by it ends.
        self.drop_request();
        let (mut delivered, mut failed) = (Vec::new(), BTreeMap::new());
        for delivery in outcome.deliveries {
            let name = self.names[&delivery.receiver.instance].clone();
            match delivery.result {
                Ok(()) => delivered.push(name),
                Err(reason) => drop(failed.insert(name, reason.code.to_wire())),
            }
        }
        self.sees.push_back(Event::Outcome { delivered, failed });
    }

    fn settle_asking(&mut self, now: Instant) {
        let head = self.head();
        let Some(Asking { asker, request, deadline, body }) = &mut self.asking else { return };
        asker.handle_timeout(now);
        while let Some(targets) = asker.poll_ask() {
            let time_left = Some(deadline.saturating_duration_since(now));
            let request = Some(Request { time_left, ..*request });
            let head = Arc::new(Head { request, ..head.clone() });
            let packet = Frame::Message { head, body: body.clone() }.encode();
            self.says.push_back(Said { to: name(targets).to_owned(), packet });
            asker.handle_asked(now);
        }
        while let Some(transmit) = asker.poll_transmit() {
            let message = request.message;
            let (to, frame) = match transmit {
                AskerTransmit::Probe => (name(Target::Group.into()), Frame::Probe { message }),
                AskerTransmit::Cancel => ("control", Frame::Cancel { message }),
            };
            self.says.push_back(Said { to: to.to_owned(), packet: frame.encode() });
        }
        while let Some(event) = asker.poll_event() {
            match event {
                AskerEvent::NotExecuted => {}
                AskerEvent::Deadline => self.sees.push_back(Event::Deadline),
                event => panic!("no conversation ends with {event:?}"),
            }
        }
    }

    /// What its user is told.
    pub(crate) fn events(&mut self) -> Vec<Event> {
        self.sees.drain(..).collect()
    }

    fn receive(&mut self, inbound: Inbound, sender: &Source) {
        let sender = self.names[&sender.instance].clone();
        self.inbound = Some(Receiving { inbound, sender, is_over: false });
    }

    fn head(&self) -> Head {
        let service = ServiceName::new(self.instance.service.as_str()).expect("the name is valid");
        Head {
            source: Source { service, instance: self.instance.id() },
            content_type: None,
            headers: Headers::new(),
            sequence: None,
            request: None,
        }
    }
}
