//! Instances that get requests.

use std::time::{Duration, Instant};

use conduit::{
    InstanceId,
    proto::{Answerer, Detail, ReasonCode, RequestFailure, frame::Frame},
    transport::Target,
};

use super::{
    Packet, Play,
    streamed::{Port, Streamed},
    upload::Upload,
};

/// What a binding does with a request.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Does {
    /// Its handler replies after so long.
    Replies(Duration),
    /// Its handler fails after so long.
    Fails(Duration),
    /// It cannot decode it, and says so.
    Misreads,
    /// Its process ends while its handler runs.
    Dies,
}

/// A binding.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bind {
    pub(crate) target: Target,
    pub(crate) does: Does,
    /// So many requests are refused before one is taken.
    pub(crate) refusals: u32,
    /// Its handler does not read a streamed body before it answers.
    pub(crate) is_early: bool,
    /// A streamed request waits so long for its handler.
    pub(crate) waits: Duration,
    /// Such a request is then given back.
    pub(crate) gives_back: bool,
}

impl Bind {
    pub(crate) const fn new(target: Target, does: Does) -> Self {
        let (refusals, waits) = (0, Duration::ZERO);
        Self { target, does, refusals, is_early: false, waits, gives_back: false }
    }

    pub(crate) const fn refusing(self, refusals: u32) -> Self {
        Self { refusals, ..self }
    }

    pub(crate) const fn early(self) -> Self {
        Self { is_early: true, ..self }
    }

    pub(crate) const fn waiting(self, waits: Duration) -> Self {
        Self { waits, ..self }
    }

    pub(crate) const fn giving_back(self) -> Self {
        Self { gives_back: true, ..self }
    }
}

/// One instance, with its bindings.
#[derive(Debug)]
pub(crate) struct Station {
    instance: InstanceId,
    binds: Vec<Bind>,
    jobs: Vec<Job>,
    /// How many handlers have run, by how the request reached them.
    ran: Vec<Target>,
    is_cancelled: bool,
    pub(super) streamed: Streamed,
}

/// A request that is being handled.
#[derive(Debug)]
struct Job {
    answerer: Answerer,
    is_reply: bool,
    until: Instant,
}

impl Station {
    const IDLE: Duration = Play::LIMITS.idle;

    pub(super) fn new(number: u8, binds: Vec<Bind>) -> Self {
        let instance = InstanceId::from_bytes([number; InstanceId::LEN]);
        let streamed = Streamed::new(instance, &binds);
        let (jobs, ran) = (Vec::new(), Vec::new());
        Self { instance, binds, jobs, ran, is_cancelled: false, streamed }
    }

    pub(crate) fn instance(&self) -> InstanceId {
        self.instance
    }

    pub(super) fn listens(&self, target: Target) -> bool {
        self.binds.iter().any(|bind| bind.target == target)
    }

    /// The handlers that have run, by how the request reached them.
    pub(crate) fn ran(&self) -> impl Iterator<Item = Target> {
        let ran = |port: &&Port| port.handling.ran;
        let streamed = self.streamed.ports().iter().filter(ran).map(Port::target);
        self.ran.iter().copied().chain(streamed)
    }

    /// It does not need to answer: its handlers are stopped.
    pub(super) fn cancel(&mut self) -> Vec<Packet> {
        self.is_cancelled = true;
        self.streamed.cancel();
        self.jobs.iter_mut().for_each(|job| job.answerer.handle_cancel());
        let stopped = self.jobs.extract_if(.., |job| job.answerer.is_cancelled());
        stopped.flat_map(|job| Self::give_up(job.answerer)).collect()
    }

    /// A request: for each plain binding, or for one of the group.
    pub(super) fn take(&mut self, now: Instant, target: Target) -> Vec<Packet> {
        let mut says = Vec::new();
        if self.is_cancelled {
            return says;
        }
        let most = if target == Target::Group { 1 } else { usize::MAX };
        let binds = self.binds.iter_mut().filter(|bind| bind.target == target).take(most);
        for bind in binds {
            let mut answerer =
                Answerer::whole(now, Upload::MESSAGE, self.instance, target, Self::IDLE);
            let mut fail = |answerer: &mut Answerer, code: ReasonCode| {
                answerer.fail(code.into(), Detail::default());
                says.extend(said(answerer));
            };
            if bind.refusals > 0 {
                bind.refusals -= 1;
                fail(&mut answerer, ReasonCode::Overloaded);
                continue;
            }
            answerer.start();
            let (is_reply, time) = match bind.does {
                Does::Replies(time) => (true, time),
                Does::Fails(time) => (false, time),
                Does::Misreads => {
                    fail(&mut answerer, ReasonCode::NotDecoded);
                    continue;
                }
                Does::Dies => {
                    self.ran.push(target);
                    continue;
                }
            };
            answerer.begin();
            self.ran.push(target);
            self.jobs.push(Job { answerer, is_reply, until: now + time });
        }
        says
    }

    pub(super) fn next_time(&self) -> Option<Instant> {
        let times = self.jobs.iter().flat_map(|job| [Some(job.until), job.answerer.poll_timeout()]);
        times.flatten().chain(self.streamed.next_time()).min()
    }

    /// What it says by itself.
    pub(super) fn settle(&mut self, now: Instant) -> Vec<Packet> {
        let (instance, mut says) = (self.instance, self.streamed.settle(now));
        for mut job in self.jobs.extract_if(.., |job| job.until <= now) {
            if job.is_reply && job.answerer.reply() {
                says.push(Packet::Reply(instance));
            }
            if !job.is_reply {
                job.answerer.fail(ReasonCode::HandlerFailed.into(), Detail::default());
            }
            says.extend(Self::give_up(job.answerer));
        }
        for job in &mut self.jobs {
            job.answerer.handle_timeout(now);
            says.extend(said(&mut job.answerer));
        }
        says
    }

    /// The request is dropped.
    fn give_up(mut answerer: Answerer) -> Vec<Packet> {
        answerer.give_up();
        said(&mut answerer)
    }
}

pub(super) fn said(answerer: &mut Answerer) -> Vec<Packet> {
    let frames = std::iter::from_fn(|| answerer.poll_transmit());
    let packet = |frame| match frame {
        Frame::Alive { target, instance, .. } => Packet::Alive(target, instance),
        Frame::Failure { instance, target, started, reason, detail, .. } => {
            Packet::Failure(RequestFailure { instance, target, started, reason, detail })
        }
        frame => panic!("an answerer does not say {frame:?}"),
    };
    frames.map(packet).collect()
}
