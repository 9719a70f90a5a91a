//! One asker and any number of answerers on a virtual clock. When nothing is on its way any more, what
//! the asker was told must be true.

mod answer;
mod check;
pub(crate) mod not_sent;
mod publish;
mod reading;
mod station;
mod streamed;
mod upload;
mod wire;

use std::time::{Duration, Instant};

use conduit::{
    InstanceId,
    proto::{Asker, AskerEvent, AskerLimits, RequestFailure, frame::Frame},
    transport::{Target, Targets},
};

use self::upload::Upload;
pub(crate) use self::{
    answer::Answer,
    station::{Bind, Does, Station},
    upload::Body,
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
    /// What belongs to a body, to a station.
    ToStation(usize, Frame),
    /// The same, to the asker.
    ToAsker(Frame),
    /// The broker had nobody to give it to.
    Undelivered(Targets),
}

/// What a test wants to see played.
#[derive(Debug)]
pub(crate) struct Setup {
    pub(crate) lanes: &'static [Targets],
    pub(crate) takes_all: bool,
    pub(crate) deadline: Option<Duration>,
    /// The body, if it is streamed.
    pub(crate) body: Option<Body>,
    /// When the asker drops the request.
    pub(crate) gives_up: Option<Duration>,
    /// The bindings of each instance.
    pub(crate) instances: Vec<Vec<Bind>>,
}

impl Setup {
    /// To all bindings, in one packet and without a deadline.
    pub(crate) fn new(instances: Vec<Vec<Bind>>) -> Self {
        Self {
            lanes: &[Targets::Both],
            takes_all: false,
            deadline: None,
            body: None,
            gives_up: None,
            instances,
        }
    }

    /// The same with a streamed body.
    pub(crate) fn streamed(body: Body, instances: Vec<Vec<Bind>>) -> Self {
        Self { body: Some(body), ..Self::new(instances) }
    }
}

pub(crate) struct Play {
    start: Instant,
    now: Instant,
    deadline: Option<Instant>,
    gives_up: Option<Instant>,
    asker: Asker,
    upload: Option<Upload>,
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
        let asker = match setup.body {
            None => Asker::whole(now, setup.lanes, deadline, Self::LIMITS),
            Some(_) => Asker::streamed(now, deadline, Self::LIMITS),
        };
        let targets = if setup.takes_all { Targets::Plain } else { Targets::Both };
        let upload = setup.body.map(|body| Upload::new(now, body, targets, setup.deadline));
        Self {
            start: now,
            now,
            deadline,
            gives_up: setup.gives_up.map(|after| now + after),
            asker: if setup.takes_all { asker.all() } else { asker },
            upload,
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
        self.stations.iter().map(|station| station.ran().count()).sum()
    }

    /// Runs until nothing can happen any more, and checks that what was said is true.
    ///
    /// Panics where it is not, or comes too late.
    pub(crate) fn run(&mut self) {
        const MOST: Duration = Duration::from_secs(1200);
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
        let upload = self.upload.as_ref().and_then(Upload::next_time);
        let times = stations.chain(self.asker.poll_timeout()).chain(self.wire.next_time());
        times.chain(upload).chain(self.gives_up).min()
    }

    fn handle(&mut self, packet: Packet) {
        let now = self.now;
        let says = match packet {
            Packet::Request(at, target) => self.stations[at].take(now, target),
            Packet::Cancel(at) => self.stations[at].cancel(),
            Packet::ToStation(at, frame) => self.stations[at].streamed.handle(now, &frame),
            Packet::ToAsker(frame) => {
                let upload = self.upload.as_mut().expect("its body is streamed");
                let word = upload.handle(now, &frame);
                word.into_iter().filter_map(|(to, frame)| self.to_instance(to, frame)).collect()
            }
            Packet::Reply(instance) => {
                if self.asker.handle_reply(now) {
                    self.answer(Answer::Reply(instance));
                }
                return;
            }
            Packet::Failure(failure) => return self.asker.handle_failure(now, failure),
            Packet::Alive(target, instance) => {
                return self.asker.handle_alive(now, target, instance);
            }
            Packet::Undelivered(targets) => {
                if let Some(upload) = &mut self.upload {
                    upload.handle_undelivered(now, targets);
                }
                return self.asker.handle_undelivered(targets);
            }
        };
        says.into_iter().for_each(|packet| self.wire.send(now, packet));
    }

    fn settle(&mut self) {
        let now = self.now;
        for station in &mut self.stations {
            for packet in station.settle(now) {
                self.wire.send(now, packet);
            }
        }
        self.settle_upload();
        self.asker.handle_timeout(now);
        if self.gives_up.is_some_and(|at| now >= at) {
            self.gives_up = None;
            self.give_up();
        }
        self.settle_asker();
        // An answer may have ended the body.
        self.settle_upload();
        self.settle_asker();
        let next = self.asker.poll_timeout();
        assert!(next.is_none_or(|at| at > now), "a busy loop: {:?}", self.asker);
    }

    fn settle_asker(&mut self) {
        let now = self.now;
        while let Some(targets) = self.asker.poll_ask() {
            self.asked += 1;
            self.publish_request(targets);
            self.asker.handle_asked(now);
        }
        while let Some(event) = self.asker.poll_event() {
            if event != AskerEvent::NotExecuted {
                self.answer(Answer::Event(event));
            }
        }
        while let Some(transmit) = self.asker.poll_transmit() {
            self.publish_beside(transmit);
        }
    }

    fn settle_upload(&mut self) {
        let Some(upload) = &mut self.upload else { return };
        let says = upload.settle(self.now);
        let outcome = upload.poll_outcome();
        says.iter().for_each(|transmit| self.publish(transmit));
        if let Some(outcome) = outcome {
            self.was_sent(&outcome);
        }
    }
}
