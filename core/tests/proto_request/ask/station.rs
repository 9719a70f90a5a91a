//! Instances that get requests.

use std::time::{Duration, Instant};

use conduit::{
    InstanceId,
    proto::{Detail, ReasonCode, RequestFailure},
    transport::Target,
};

use super::Packet;

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
}

impl Bind {
    pub(crate) const fn new(target: Target, does: Does) -> Self {
        Self { target, does, refusals: 0 }
    }

    pub(crate) const fn refusing(self, refusals: u32) -> Self {
        Self { refusals, ..self }
    }
}

/// One instance, with its bindings.
#[derive(Debug)]
pub(crate) struct Station {
    instance: InstanceId,
    binds: Vec<Bind>,
    jobs: Vec<Job>,
    /// How many handlers have run, by how the request reached them.
    pub(crate) ran: Vec<Target>,
    is_cancelled: bool,
}

/// A request that is being handled.
#[derive(Debug)]
struct Job {
    target: Target,
    is_reply: bool,
    until: Instant,
    alive: Instant,
}

impl Station {
    /// How often it says that a handler is at work.
    pub(super) const ALIVE: Duration = Duration::from_millis(1_600);

    pub(super) fn new(number: u8, binds: Vec<Bind>) -> Self {
        let instance = InstanceId::from_bytes([number; InstanceId::LEN]);
        Self { instance, binds, jobs: Vec::new(), ran: Vec::new(), is_cancelled: false }
    }

    pub(crate) fn instance(&self) -> InstanceId {
        self.instance
    }

    pub(super) fn listens(&self, target: Target) -> bool {
        self.binds.iter().any(|bind| bind.target == target)
    }

    /// It does not need to answer.
    pub(super) fn cancel(&mut self) {
        self.is_cancelled = true;
        self.jobs.clear();
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
            let failure = |code: ReasonCode| {
                Packet::Failure(RequestFailure {
                    instance: self.instance,
                    target,
                    started: false,
                    reason: code.into(),
                    detail: Detail::default(),
                })
            };
            if bind.refusals > 0 {
                bind.refusals -= 1;
                says.push(failure(ReasonCode::Overloaded));
                continue;
            }
            let (is_reply, time) = match bind.does {
                Does::Replies(time) => (true, time),
                Does::Fails(time) => (false, time),
                Does::Misreads => {
                    says.push(failure(ReasonCode::NotDecoded));
                    continue;
                }
                Does::Dies => {
                    self.ran.push(target);
                    continue;
                }
            };
            self.ran.push(target);
            self.jobs.push(Job { target, is_reply, until: now + time, alive: now + Self::ALIVE });
        }
        says
    }

    pub(super) fn next_time(&self) -> Option<Instant> {
        self.jobs.iter().map(|job| job.until.min(job.alive)).min()
    }

    /// What it says by itself.
    pub(super) fn settle(&mut self, now: Instant) -> Vec<Packet> {
        let (instance, mut says) = (self.instance, Vec::new());
        for job in &mut self.jobs {
            if job.until > now && job.alive <= now {
                job.alive = now + Self::ALIVE;
                says.push(Packet::Alive(job.target, instance));
            }
        }
        for job in self.jobs.extract_if(.., |job| job.until <= now) {
            says.push(if job.is_reply {
                Packet::Reply(instance)
            } else {
                Packet::Failure(RequestFailure {
                    instance,
                    target: job.target,
                    started: true,
                    reason: ReasonCode::HandlerFailed.into(),
                    detail: Detail::default(),
                })
            });
        }
        says
    }
}
