//! A request whose body comes in, and the handler that reads it.

use std::time::Instant;

use conduit::{
    InstanceId,
    proto::{Answerer, Budget, Detail, Inbound, Read, ReasonCode, frame::Frame},
    transport::Target,
};

use super::{
    Packet, Play,
    station::{Bind, Does, said},
    upload::Upload,
};

/// How far the handler of a binding came.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Handling {
    /// It had the request.
    pub(super) started: bool,
    /// Its function was called.
    pub(super) ran: bool,
    /// It had the whole body.
    pub(super) has_all: bool,
}

/// A request that was offered to a binding, and taken.
#[derive(Debug)]
pub(super) struct Taken {
    pub(super) inbound: Inbound,
    instance: InstanceId,
    answerer: Answerer,
    work: Work,
    /// What was read, and what the body has, as far as it was said.
    read: u64,
    length: Option<u64>,
}

#[derive(Debug)]
enum Work {
    /// The asker has not confirmed.
    Offered,
    /// Waits for its handler until then.
    Waiting(Instant),
    /// The handler takes the body.
    Reading,
    /// The handler is done then.
    Working(Instant),
    /// The request was dropped.
    Dropped,
    /// The process has ended.
    Died,
}

impl Taken {
    pub(super) fn new(
        now: Instant,
        inbound: Inbound,
        instance: InstanceId,
        target: Target,
        length: Option<u64>,
    ) -> Self {
        let idle = Play::LIMITS.idle;
        let answerer = Answerer::streamed(now, Upload::MESSAGE, instance, target, idle);
        Self { inbound, instance, answerer, work: Work::Offered, read: 0, length }
    }

    pub(super) fn cancel(&mut self) {
        if !matches!(self.work, Work::Dropped) {
            self.answerer.handle_cancel();
        }
    }

    pub(super) fn is_over(&self) -> bool {
        matches!(self.work, Work::Dropped) && self.inbound.is_finished()
    }

    pub(super) fn next_time(&self) -> Option<Instant> {
        let (work, alive) = match self.work {
            Work::Waiting(until) | Work::Working(until) => (Some(until), true),
            Work::Dropped => (None, false),
            _ => (None, true),
        };
        let alive = self.answerer.poll_timeout().filter(|_| alive);
        self.inbound.poll_timeout().into_iter().chain(work).chain(alive).min()
    }

    /// Goes on as far as it can. Returns whether its process still lives.
    pub(super) fn settle(
        &mut self,
        now: Instant,
        bind: Bind,
        handling: &mut Handling,
        budget: &mut Budget,
        says: &mut Vec<Packet>,
    ) -> bool {
        self.inbound.handle_timeout(now, budget);
        while self.step(now, bind, handling, budget, says) {}
        if matches!(self.work, Work::Died) {
            return false;
        }
        if !matches!(self.work, Work::Dropped) {
            self.answerer.handle_timeout(now);
        }
        says.extend(said(&mut self.answerer));
        while let Some(packet) = self.inbound.poll_transmit(now) {
            let frame = Frame::decode(&packet).expect("what is said can be read");
            says.push(Packet::ToAsker(frame));
        }
        let next = self.inbound.poll_timeout();
        assert!(next.is_none_or(|at| at > now), "a busy loop: {:?}", self.inbound);
        true
    }

    /// Takes the next step, if it can.
    fn step(
        &mut self,
        now: Instant,
        bind: Bind,
        handling: &mut Handling,
        budget: &mut Budget,
        says: &mut Vec<Packet>,
    ) -> bool {
        match self.work {
            Work::Dropped | Work::Died => false,
            Work::Offered if self.inbound.is_undecided() => false,
            Work::Offered if self.inbound.is_confirmed() => {
                self.work = Work::Waiting(now + bind.waits);
                true
            }
            // The asker has decided against it.
            Work::Offered => self.refuse(budget),
            Work::Waiting(_) if self.answerer.is_cancelled() => self.refuse(budget),
            Work::Waiting(until) if now < until => false,
            Work::Waiting(_) if bind.gives_back => self.refuse(budget),
            Work::Waiting(_) => {
                self.start(now, bind, handling, budget);
                true
            }
            Work::Reading | Work::Working(_) if self.answerer.is_cancelled() => self.end(budget),
            Work::Reading => self.read(now, bind, handling, budget),
            Work::Working(until) if now < until => false,
            Work::Working(_) => {
                if matches!(bind.does, Does::Fails(_)) {
                    self.answerer.fail(ReasonCode::HandlerFailed.into(), Detail::default());
                } else if self.answerer.reply() {
                    says.push(Packet::Reply(self.instance));
                }
                self.end(budget)
            }
        }
    }

    /// No handler gets it, and no failure is said: another member of the group may get it.
    fn refuse(&mut self, budget: &mut Budget) -> bool {
        self.inbound.stop(ReasonCode::Draining.into(), budget);
        assert!(self.answerer.reply(), "it was not answered");
        self.work = Work::Dropped;
        true
    }

    fn start(&mut self, now: Instant, bind: Bind, handling: &mut Handling, budget: &mut Budget) {
        self.answerer.start();
        self.inbound.start(budget);
        handling.started = true;
        self.work = match bind.does {
            Does::Replies(time) | Does::Fails(time) if bind.is_early => {
                self.begin(handling);
                Work::Working(now + time)
            }
            Does::Dies => {
                self.begin(handling);
                Work::Reading
            }
            _ => Work::Reading,
        };
    }

    /// The function of the handler is called.
    fn begin(&mut self, handling: &mut Handling) {
        self.answerer.begin();
        handling.ran = true;
    }

    fn read(
        &mut self,
        now: Instant,
        bind: Bind,
        handling: &mut Handling,
        budget: &mut Budget,
    ) -> bool {
        let read = self.inbound.read(budget);
        handling.has_all |= read == Read::End;
        match (read, bind.does) {
            (Read::Pending, _) => false,
            (Read::Chunk(chunk), does) => {
                self.read += chunk.len() as u64;
                // Half-way, where its length is known.
                if matches!(does, Does::Dies) && 2 * self.read >= self.length.unwrap_or(0) {
                    self.work = Work::Died;
                }
                true
            }
            (Read::End, Does::Dies) => {
                self.work = Work::Died;
                true
            }
            (Read::End, Does::Misreads) => {
                self.answerer.fail(ReasonCode::NotDecoded.into(), Detail::default());
                self.end(budget)
            }
            (Read::End, Does::Replies(time) | Does::Fails(time)) => {
                self.begin(handling);
                self.work = Work::Working(now + time);
                true
            }
            (Read::Failed(_), _) => {
                self.answerer.fail(ReasonCode::HandlerFailed.into(), Detail::default());
                self.end(budget)
            }
        }
    }

    /// The handler drops it.
    fn end(&mut self, budget: &mut Budget) -> bool {
        self.answerer.give_up();
        self.inbound.leave(budget);
        self.work = Work::Dropped;
        true
    }
}
