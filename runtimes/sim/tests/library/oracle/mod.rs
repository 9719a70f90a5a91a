//! What has happened, and whether it may.

mod calm;
mod leaving;
mod limits;
mod receivers;
mod senders;

use std::{
    collections::BTreeMap,
    env,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use conduit::{Error, ErrorKind, InstanceId};

use crate::{
    limits::Limits,
    plan::{Answer, Op, Subject},
};

/// One binding in one instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) instance: InstanceId,
    pub(crate) group: bool,
    pub(crate) binding: usize,
}

/// What may happen to packets and instances.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Network {
    /// Nothing does, and nobody gives up: all has to succeed.
    pub(crate) calm: bool,
    /// Nothing does.
    pub(crate) reliable: bool,
    /// Nothing does but that one instance leaves.
    pub(crate) leaves: bool,
    /// Bytes of bodies may be wrong on arrival.
    pub(crate) damages: bool,
    /// Time may pass for an instance without its notice.
    pub(crate) freezes: bool,
}

pub(crate) struct Oracle {
    pub(crate) ops: Vec<Op>,
    pub(crate) limits: Limits,
    pub(crate) network: Network,
    /// How many instances each service has.
    instances: Vec<usize>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    seen: BTreeMap<u64, Seen>,
    /// For each place and each sender's task: the last one-packet message, by its place in order.
    order: BTreeMap<(Place, (usize, usize), &'static str), u64>,
    /// The instance that has left, and its service.
    left: Option<(usize, usize)>,
    /// Those that have to keep within their limits.
    watched: Vec<limits::Watched>,
    wrong: Vec<String>,
    log: Option<Vec<String>>,
}

/// What happened to one operation.
#[derive(Default)]
struct Seen {
    /// Where its handler ran.
    runs: Vec<Place>,
    /// Where all of its body was read.
    whole: Vec<Place>,
    /// The asker has read all of the reply.
    reply_whole: bool,
    /// Its sender said that no handler ran.
    not_executed: Option<String>,
    /// Its sender said that no handler ran there; without an instance, that none of the group did,
    /// or none of the others.
    not_executed_at: Vec<Option<InstanceId>>,
    /// When its sender dropped it.
    given_up: Option<Duration>,
    /// What its sender was told, if not that it was sent or answered.
    error: Option<ErrorKind>,
}

/// How reading a body ended.
#[derive(Debug)]
pub(crate) enum Ended {
    Whole,
    Stopped,
    Failed(Error),
}

impl Oracle {
    pub(crate) fn new(
        ops: Vec<Op>,
        limits: Limits,
        network: Network,
        instances: Vec<usize>,
    ) -> Self {
        let log = env::var_os("CONDUIT_SIM_SEED").map(|_| Vec::new());
        let state = Mutex::new(State { log, ..State::default() });
        Self { ops, limits, network, instances, state }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes what is known of an operation, or asks it.
    fn seen<T>(&self, op: &Op, with: impl FnOnce(&mut Seen) -> T) -> T {
        with(self.lock().seen.entry(op.id).or_default())
    }

    pub(crate) fn log(&self, line: impl FnOnce() -> String) {
        if let Some(log) = &mut self.lock().log {
            log.push(line());
        }
    }

    pub(crate) fn wrong(&self, what: String) {
        let mut state = self.lock();
        if let Some(log) = &mut state.log {
            log.push(format!("WRONG: {what}"));
        }
        state.wrong.push(what);
    }

    /// An error says what happened, and only what can have happened.
    fn is_typed(&self, op: &Op, error: &Error) {
        let impossible = match error.kind() {
            ErrorKind::Other => true,
            // Repeats, gaps and any order are no damage.
            ErrorKind::Corrupt => !self.network.damages,
            _ => false,
        };
        if impossible {
            self.wrong(format!("op {}: {error:?} cannot be", op.id));
        }
    }

    pub(crate) fn verdict(&self) -> Result<(), Box<dyn std::error::Error>> {
        let mut state = self.lock();
        let mut late = self.lost(&state);
        for op in &self.ops {
            if let Some(seen) = state.seen.get(&op.id) {
                late.extend(seen.denied(op));
            }
            let runs = state.seen.get(&op.id).map_or(0, |seen| seen.runs.len());
            let answer = op.request.as_ref().map(|request| &request.answer);
            // A failure ends a request: who has not started by then need not.
            let may_end_early = !op.asks_all()
                && matches!(answer, Some(Answer::Fails | Answer::Panics | Answer::Nothing));
            // A busy group gives a request back, and an asker with a reply does not ask it again.
            let may_lack_group = answer.is_some() && op.subject == Subject::Both && !op.asks_all();
            let is_right = |expected| {
                runs == expected
                    || may_end_early && (1..expected).contains(&runs)
                    || may_lack_group && runs + 1 == expected
            };
            if !self.expected(op).is_none_or(is_right) {
                late.push(format!("op {}: {runs} handlers ran", op.id));
            }
        }
        state.wrong.extend(late);
        if state.wrong.is_empty() {
            return Ok(());
        }
        let log = state.log.take().unwrap_or_default().join("\n");
        Err(format!("{log}\n{}", state.wrong.join("\n")).into())
    }
}

impl Seen {
    /// Handlers that ran, though the sender was told that they did not.
    fn denied(&self, op: &Op) -> Vec<String> {
        let mut denied = Vec::new();
        if let Some(said) = self.not_executed.as_ref().filter(|_| !self.runs.is_empty()) {
            denied.push(format!("op {}: {said}, but a handler ran: {:?}", op.id, self.runs));
        }
        for instance in &self.not_executed_at {
            let ran = match instance {
                None => {
                    let ran = |group| self.runs.iter().any(|place| place.group == group);
                    ran(true) && ran(false)
                }
                Some(instance) => {
                    let said = |other: &&Option<InstanceId>| **other == Some(*instance);
                    let said = self.not_executed_at.iter().filter(said).count();
                    let runs = self.runs.iter().filter(|run| run.instance == *instance).count();
                    let receivers = op.subject.plain() + usize::from(op.subject.has_group());
                    runs + said > receivers
                }
            };
            if ran {
                denied.push(format!(
                    "op {}: none of {instance:?} ran, but {:?} did",
                    op.id, self.runs
                ));
            }
        }
        denied
    }
}
