//! One sender and any number of receivers on a virtual clock, with a link between them that can be
//! as bad as a test wants. After every step everything that must always hold is checked.

mod link;
mod receiver;
mod sender;
mod setup;

use std::time::{Duration, Instant};

use conduit::{
    proto::{Outcome, Reason, ReasonCode, frame::Frame},
    transport::Target,
};

use self::{link::Event, receiver::Station, sender::Sender};
pub(crate) use self::{
    link::{Link, Party},
    receiver::Port,
    setup::{Bind, Reader, Setup},
};

/// Where chance comes from: a number below the one given.
pub(crate) type Dice = Box<dyn FnMut(u64) -> u64>;

/// The machines, the link and the clock.
pub(crate) struct Pair {
    start: Instant,
    now: Instant,
    pub(crate) link: Link,
    pub(crate) sender: Sender,
    pub(crate) stations: Vec<Station>,
    /// How many packets, apart from offers, went to all plain bindings at once.
    pub(crate) fanned_out: usize,
}

impl Pair {
    /// Nothing happens before the first call that runs it.
    pub(crate) fn new(setup: Setup, dice: Dice) -> Self {
        let now = Instant::now();
        let stations = setup.stations(now);
        Self {
            start: now,
            now,
            link: Link::new(now, dice),
            sender: Sender::new(now, setup),
            stations,
            fanned_out: 0,
        }
    }

    /// What passed on the virtual clock.
    pub(crate) fn elapsed(&self) -> Duration {
        self.now - self.start
    }

    pub(crate) fn outcome(&self) -> Option<&Outcome> {
        self.sender.outcome.as_ref()
    }

    pub(crate) fn port(&self, station: usize, port: usize) -> &Port {
        &self.stations[station].ports[port]
    }

    /// Every port of every station.
    pub(crate) fn ports(&self) -> impl Iterator<Item = &Port> {
        self.stations.iter().flat_map(|station| &station.ports)
    }

    /// The sender gives up.
    pub(crate) fn abort(&mut self, reason: Reason) {
        self.settle();
        self.sender.abort(reason);
    }

    /// Runs until nothing can happen any more.
    ///
    /// Panics where that is not so within a time.
    pub(crate) fn run(&mut self, limit: Duration) {
        self.settle();
        while self.step() {
            assert!(self.elapsed() <= limit, "it did not end within {limit:?}: {:?}", self.sender);
        }
        assert!(self.sender.is_done() || self.sender.is_dead);
        for station in &self.stations {
            let live = station.ports.iter().any(|port| port.inbound.is_some());
            assert!(station.is_dead || (!live && station.budget.is_empty()));
        }
    }

    /// Runs for a time, or until nothing can happen any more.
    pub(crate) fn run_for(&mut self, time: Duration) {
        self.settle();
        let until = self.now + time;
        while self.next_time().is_some_and(|next| next <= until) {
            self.step();
        }
        self.now = until;
    }

    /// Lets the next thing happen. Returns whether there was one.
    fn step(&mut self) -> bool {
        let Some(next) = self.next_time() else {
            return false;
        };
        self.now = self.now.max(next);
        while let Some(event) = self.link.arrival(self.now) {
            self.handle(event);
            self.settle();
        }
        self.settle();
        true
    }

    fn next_time(&self) -> Option<Instant> {
        let stations = self.stations.iter();
        let stations = stations.filter_map(|station| station.next_time(self.now));
        let sides = self.sender.next_time().into_iter().chain(stations);
        sides.chain(self.link.next_time()).min()
    }

    fn handle(&mut self, event: Event) {
        match event {
            Event::Offered(target) => self.sender.handle_offered(self.now, target),
            Event::Undelivered(target) => self.sender.handle_undelivered(self.now, target),
            Event::Packet(to, packet) => {
                let frame = Frame::decode(&packet).expect("what is sent can be read");
                match to {
                    Party::Sender => self.answer(&frame),
                    Party::Station(at) => {
                        let words = self.stations[at].handle(self.now, frame, &self.sender.body);
                        for word in words {
                            self.link.send(self.now, Party::Sender, word);
                        }
                    }
                }
            }
        }
    }

    /// A packet for the sender. One that forgot the stream says so.
    fn answer(&mut self, frame: &Frame) {
        if self.sender.handle(self.now, frame) {
            return;
        }
        let (stream, receiver) = match *frame {
            Frame::Accept { message, receiver, .. } => {
                let reply = false;
                let stream = conduit::proto::frame::StreamId { message, reply };
                (stream, receiver)
            }
            Frame::Credit { stream, receiver, receipt } if !receipt.done => (stream, receiver),
            _ => return,
        };
        let gone =
            Frame::Reset { stream, port: Some(receiver.port), reason: ReasonCode::Gone.into() };
        if let Some(at) = self.station(receiver.instance) {
            self.link.send(self.now, Party::Station(at), gone.encode());
        }
    }

    fn station(&self, instance: conduit::InstanceId) -> Option<usize> {
        self.stations.iter().position(|station| station.instance == instance)
    }

    /// Lets every machine say what it has to say, and checks what must always hold.
    fn settle(&mut self) {
        for transmit in self.sender.settle(self.now) {
            self.publish(transmit);
        }
        for station in &mut self.stations {
            for packet in station.settle(self.now, &self.sender.body) {
                self.link.send(self.now, Party::Sender, packet);
            }
        }
        self.check_outcome();
    }

    fn publish(&mut self, transmit: conduit::proto::Transmit) {
        use conduit::proto::Recipient;
        let offered = transmit.offer;
        if let Some(target) = offered {
            self.link.publish_later(self.now, Event::Offered(target));
        }
        match transmit.to {
            Recipient::Inbox(instance) => {
                if let Some(at) = self.station(instance) {
                    self.link.send(self.now, Party::Station(at), transmit.packet);
                }
            }
            Recipient::Bindings(target) => {
                let mut listeners: Vec<usize> = (0..self.stations.len())
                    .filter(|&at| self.stations[at].listens(target))
                    .collect();
                if target == Target::Group && !listeners.is_empty() {
                    let chosen = self.link.roll(listeners.len() as u64);
                    let chosen = usize::try_from(chosen).expect("it is a small number");
                    listeners = vec![listeners[chosen]];
                }
                if listeners.is_empty() && offered.is_some() {
                    self.link.publish_later(self.now, Event::Undelivered(target));
                }
                if offered.is_none() {
                    self.fanned_out += 1;
                    listeners.retain(|&at| !self.stations[at].is_deaf);
                }
                for at in listeners {
                    let late = self.stations[at].answers_after;
                    let late = if offered.is_some() { late } else { Duration::ZERO };
                    self.link.send_late(
                        self.now,
                        Party::Station(at),
                        transmit.packet.clone(),
                        late,
                    );
                }
            }
        }
    }

    /// A sender's Ok is the truth, and so is a reader's end.
    fn check_outcome(&self) {
        for port in self.ports() {
            assert!(port.started <= 1, "a handler was started twice");
            if port.end == Some(Ok(())) {
                assert_eq!(port.received, self.sender.body.len(), "a wrong end");
            }
        }
        let group = self.ports().filter(|port| port.kind() == Target::Group);
        let members: u32 = group.map(|port| port.started).sum();
        assert!(members <= 1, "two members of the group got it");
        let Some(outcome) = self.outcome() else {
            return;
        };
        for delivery in &outcome.deliveries {
            if delivery.result.is_ok() {
                let at = self.station(delivery.receiver.instance).expect("it exists");
                let mut ports = self.stations[at].ports.iter();
                let port =
                    ports.find(|port| port.receiver() == delivery.receiver).expect("it exists");
                assert_eq!(port.received, self.sender.body.len(), "a wrong Ok");
                assert_eq!(port.started, 1, "an Ok without a handler");
            }
        }
    }
}
