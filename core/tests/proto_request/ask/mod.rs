//! One asker and any number of answerers on a virtual clock. When nothing is on its way any more, what
//! the asker was told must be true.

mod station;
mod wire;

use std::time::{Duration, Instant};

use conduit::{
    InstanceId,
    proto::{Asker, AskerEvent, AskerLimits, AskerTransmit, Executed, RequestFailure},
    transport::{Target, Targets},
};

use self::station::Station;
pub(crate) use self::{
    station::{Bind, Does},
    wire::{Dice, Wire},
};

/// What travels.
pub(crate) enum Packet {
    /// The request, to a station.
    Request(usize, Target),
    Cancel(usize),
    Reply(InstanceId),
    Failure(RequestFailure),
    Alive(Target, InstanceId),
    /// The broker had nobody to give it to.
    Undelivered(Targets),
}

/// What a test wants to see played.
#[derive(Debug)]
pub(crate) struct Setup {
    pub(crate) lanes: &'static [Targets],
    pub(crate) takes_all: bool,
    pub(crate) deadline: Option<Duration>,
    /// The bindings of each instance.
    pub(crate) instances: Vec<Vec<Bind>>,
}

impl Setup {
    /// To all bindings, in one packet and without a deadline.
    pub(crate) fn new(instances: Vec<Vec<Bind>>) -> Self {
        Self { lanes: &[Targets::Both], takes_all: false, deadline: None, instances }
    }
}

/// What the asker got.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Reply(InstanceId),
    Event(AskerEvent),
}

pub(crate) struct Play {
    start: Instant,
    now: Instant,
    deadline: Option<Instant>,
    asker: Asker,
    pub(crate) wire: Wire<Packet>,
    pub(crate) stations: Vec<Station>,
    pub(crate) answers: Vec<Answer>,
    /// When the last of them came.
    answered: Duration,
    /// How often the request was published.
    pub(crate) asked: u32,
    /// How often the broker was asked whether there is a group.
    pub(crate) probed: u32,
}

impl Play {
    pub(crate) const LIMITS: AskerLimits = AskerLimits {
        answer: Duration::from_secs(5),
        idle: Duration::from_secs(10),
        patience: Duration::from_secs(5),
        refusal: Duration::from_millis(200),
        retry: Duration::from_secs(1),
    };

    pub(crate) fn new(setup: Setup, dice: Dice) -> Self {
        let now = Instant::now();
        let deadline = setup.deadline.map(|deadline| now + deadline);
        let asker = Asker::whole(now, setup.lanes, deadline, Self::LIMITS);
        Self {
            start: now,
            now,
            deadline,
            asker: if setup.takes_all { asker.all() } else { asker },
            wire: Wire::new(dice),
            stations: (1..)
                .zip(setup.instances)
                .map(|(at, binds)| Station::new(at, binds))
                .collect(),
            answers: Vec::new(),
            answered: Duration::ZERO,
            asked: 0,
            probed: 0,
        }
    }

    /// What passed on the virtual clock.
    pub(crate) fn elapsed(&self) -> Duration {
        self.now - self.start
    }

    /// When the last answer came.
    pub(crate) fn answered(&self) -> Duration {
        self.answered
    }

    /// How many handlers have run.
    pub(crate) fn ran(&self) -> usize {
        self.stations.iter().map(|station| station.ran.len()).sum()
    }

    /// Runs until nothing can happen any more, and checks that what was said is true.
    ///
    /// Panics where it is not, or comes too late.
    pub(crate) fn run(&mut self) {
        const MOST: Duration = Duration::from_secs(600);
        self.settle();
        while let Some(next) = self.next_time() {
            self.now = self.now.max(next);
            while let Some(packet) = self.wire.arrival(self.now) {
                self.handle(packet);
                self.settle();
            }
            self.settle();
            assert!(self.now - self.start <= MOST, "it does not end: {:?}", self.asker);
        }
        assert!(self.asker.is_over(), "nothing happens any more: {:?}", self.asker);
        self.check();
    }

    fn next_time(&self) -> Option<Instant> {
        let stations = self.stations.iter().filter_map(Station::next_time);
        stations.chain(self.asker.poll_timeout()).chain(self.wire.next_time()).min()
    }

    fn handle(&mut self, packet: Packet) {
        let now = self.now;
        match packet {
            Packet::Request(at, target) => {
                let says = self.stations[at].take(now, target);
                says.into_iter().for_each(|packet| self.wire.send(now, packet));
            }
            Packet::Cancel(at) => {
                let says = self.stations[at].cancel();
                says.into_iter().for_each(|packet| self.wire.send(now, packet));
            }
            Packet::Reply(instance) => {
                if self.asker.handle_reply(now) {
                    self.answer(Answer::Reply(instance));
                }
            }
            Packet::Failure(failure) => self.asker.handle_failure(now, failure),
            Packet::Alive(target, instance) => self.asker.handle_alive(now, target, instance),
            Packet::Undelivered(targets) => self.asker.handle_undelivered(targets),
        }
    }

    fn answer(&mut self, answer: Answer) {
        self.answers.push(answer);
        self.answered = self.now - self.start;
    }

    fn settle(&mut self) {
        let now = self.now;
        for station in &mut self.stations {
            for packet in station.settle(now) {
                self.wire.send(now, packet);
            }
        }
        self.asker.handle_timeout(now);
        while let Some(targets) = self.asker.poll_ask() {
            self.asked += 1;
            self.publish(targets);
            self.asker.handle_asked(now);
        }
        while let Some(transmit) = self.asker.poll_transmit() {
            match transmit {
                AskerTransmit::Probe => {
                    self.probed += 1;
                    let is_there = |station: &Station| station.listens(Target::Group);
                    if !self.stations.iter().any(is_there) {
                        self.wire.send(now, Packet::Undelivered(Targets::Group));
                    }
                }
                AskerTransmit::Cancel => {
                    (0..self.stations.len()).for_each(|at| self.wire.send(now, Packet::Cancel(at)));
                }
            }
        }
        while let Some(event) = self.asker.poll_event() {
            if event != AskerEvent::NotExecuted {
                self.answer(Answer::Event(event));
            }
        }
        let next = self.asker.poll_timeout();
        assert!(next.is_none_or(|at| at > now), "a busy loop: {:?}", self.asker);
    }

    fn publish(&mut self, targets: Targets) {
        let now = self.now;
        let mut is_there = false;
        for target in [Target::Plain, Target::Group] {
            let wanted = if target == Target::Plain { targets.plain() } else { targets.group() };
            let listens = |at: &usize| self.stations[*at].listens(target);
            let mut to: Vec<_> =
                (0..self.stations.len()).filter(listens).filter(|_| wanted).collect();
            if target == Target::Group && !to.is_empty() {
                let member = self.wire.roll(to.len() as u64);
                to = vec![to[usize::try_from(member).expect("it is small")]];
            }
            is_there |= !to.is_empty();
            to.into_iter().for_each(|at| self.wire.send(now, Packet::Request(at, target)));
        }
        if !is_there {
            self.wire.send(now, Packet::Undelivered(targets));
        }
    }

    /// What the asker was told is true, and it was told in time.
    fn check(&self) {
        let runs = self.stations.iter().flat_map(|station| &station.ran);
        let members = runs.filter(|target| **target == Target::Group).count();
        assert!(members <= 1, "{members} members of the group ran: {:?}", self.stations);
        let ran_at = |instance: InstanceId| {
            self.stations.iter().any(|at| at.instance() == instance && !at.ran.is_empty())
        };
        for answer in &self.answers {
            let (executed, by) = match answer {
                Answer::Reply(instance) => (Executed::Yes, *instance),
                Answer::Event(AskerEvent::Failed { failure, executed }) => {
                    (*executed, failure.instance)
                }
                Answer::Event(AskerEvent::NoReceivers) => {
                    assert_eq!(self.ran(), 0, "it was there: {:?}", self.stations);
                    continue;
                }
                Answer::Event(_) => continue,
            };
            match executed {
                Executed::Yes => assert!(ran_at(by), "{answer:?}: {:?}", self.stations),
                // Of all, each speaks for itself.
                Executed::No if self.asker.takes_all() => {}
                Executed::No => assert_eq!(self.ran(), 0, "{answer:?}: {:?}", self.stations),
                Executed::Maybe => {}
            }
        }
        let is_in_time =
            self.deadline.is_none_or(|deadline| self.start + self.answered <= deadline);
        assert!(is_in_time, "{:?} after {:?}", self.answers, self.answered);
        assert!(self.asker.takes_all() || self.answers.len() == 1, "{:?}", self.answers);
    }
}
