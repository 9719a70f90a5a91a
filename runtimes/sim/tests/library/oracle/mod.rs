//! What has happened, and whether it may.

use std::{
    collections::BTreeMap,
    env,
    sync::{Mutex, MutexGuard, PoisonError},
};

use conduit::{Delivery, Error, ErrorKind, Executed, InstanceId, Message};
use conduit_json::Json;

use crate::plan::{Answer, Limits, Op, Subject, content};

/// One binding in one instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) instance: InstanceId,
    pub(crate) group: bool,
    pub(crate) binding: usize,
}

pub(crate) struct Oracle {
    pub(crate) ops: Vec<Op>,
    pub(crate) limits: Limits,
    /// Whether time may pass for an instance without its notice.
    pub(crate) freezes: bool,
    /// Where nothing goes wrong: how many instances each service has.
    calm: Option<Vec<usize>>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    seen: BTreeMap<u64, Seen>,
    /// For each place and each sender's task: the last one-packet message, by its place in order.
    order: BTreeMap<(Place, (usize, usize), &'static str), u64>,
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
        freezes: bool,
        calm: Option<Vec<usize>>,
    ) -> Self {
        let log = env::var_os("CONDUIT_SIM_SEED").map(|_| Vec::new());
        let state = Mutex::new(State { log, ..State::default() });
        Self { ops, limits, freezes, calm, state }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
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

    pub(crate) fn verdict(&self) -> Result<(), Box<dyn std::error::Error>> {
        let mut state = self.lock();
        let mut late = Vec::new();
        for (id, seen) in &state.seen {
            let op = &self.ops[usize::try_from(*id)?];
            // Of a request, it concerns the side that answers.
            let group_only = op.request.is_some() && op.subject.has_group();
            let ran = seen.runs.iter().any(|place| place.group || !group_only);
            if let Some(said) = seen.not_executed.as_ref().filter(|_| ran) {
                late.push(format!("op {id}: {said}, but a handler ran: {:?}", seen.runs));
            }
        }
        for op in &self.ops {
            let runs = state.seen.get(&op.id).map_or(0, |seen| seen.runs.len());
            let answer = op.request.as_ref().map(|request| &request.answer);
            // A failure ends a request: who has not started by then need not.
            let may_end_early =
                matches!(answer, Some(Answer::Fails | Answer::Panics | Answer::Nothing));
            let is_right =
                |expected| runs == expected || may_end_early && (1..expected).contains(&runs);
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

    pub(crate) fn is_calm(&self) -> bool {
        self.calm.is_some()
    }

    /// How many handlers have to run, where nothing goes wrong.
    fn expected(&self, op: &Op) -> Option<usize> {
        let instances = self.calm.as_ref()?[op.service];
        Some(op.subject.plain() * instances + usize::from(op.subject.has_group()))
    }

    /// Where nothing goes wrong, everything succeeds.
    fn succeeds(&self, op: &Op, delivery: &Delivery) {
        let Some(expected) = self.expected(op) else {
            return;
        };
        let completed = delivery.completed().len();
        let whole = completed == expected || !op.body.is_long(&self.limits);
        if !whole || !delivery.failed().is_empty() {
            self.wrong(format!("op {}: {expected} have to get it: {delivery:?}", op.id));
        }
    }

    /// Where nothing goes wrong, only what the plan says fails, in its own way.
    fn fails_as_planned(&self, op: &Op, error: &Error) {
        if self.calm.is_none() {
            return;
        }
        let answer = op.request.as_ref().map(|request| &request.answer);
        let planned = match (op.subject, answer) {
            (_, None) => &[][..],
            (Subject::Nobody, _) => &[ErrorKind::NoReceivers],
            // A handler that runs at once has nobody to return its error to.
            (_, Some(Answer::Fails)) => &[ErrorKind::HandlerFailed, ErrorKind::NoReply],
            (_, Some(Answer::Panics)) => &[ErrorKind::HandlerPanicked, ErrorKind::NoReply],
            (_, Some(Answer::Nothing)) => &[ErrorKind::NoReply],
            _ => &[],
        };
        if !planned.contains(&error.kind()) {
            self.wrong(format!("op {}: {error:?}", op.id));
        }
    }

    /// A handler starts.
    pub(crate) fn runs(&self, op: &Op, place: Place, message: &Message<Json>) {
        self.log(|| format!("op {}: handler starts at {place:?}", op.id));
        let subject = message.subject().as_str();
        if subject != op.subject.name() || message.is_request() != op.request.is_some() {
            self.wrong(format!("op {}: it came as another: {message:?}", op.id));
        }
        let mut state = self.lock();
        let runs = &mut state.seen.entry(op.id).or_default().runs;
        let twice = runs.contains(&place);
        let members = runs.iter().filter(|run| run.group).count();
        runs.push(place);
        drop(state);
        if twice {
            self.wrong(format!("op {}: handler ran twice at {place:?}", op.id));
        } else if place.group && members > 0 {
            self.wrong(format!("op {}: two members of the group got it", op.id));
        }
        self.keeps_order(op, place);
    }

    fn keeps_order(&self, op: &Op, place: Place) {
        if op.body.is_long(&self.limits) || op.body.source != crate::plan::Source::Bytes {
            return;
        }
        // A request that was refused is asked again, and takes a later place.
        if op.request.is_some() {
            return;
        }
        let key = (place, op.from, op.subject.name());
        let before = self.lock().order.insert(key, op.sequence);
        if before.is_some_and(|before| before > op.sequence) {
            self.wrong(format!("op {}: it came out of order at {place:?}", op.id));
        }
    }

    /// A handler has read a body, or some of it.
    pub(crate) fn read(&self, op: &Op, place: Place, got: &[u8], ended: &Ended) {
        self.log(|| format!("op {}: read {} at {place:?}: {ended:?}", op.id, got.len()));
        let whole = content(op.id, false, op.body.length);
        self.check_body(&format!("op {}", op.id), &whole, op.body.fails(), got, ended);
        if got == whole {
            self.lock().seen.entry(op.id).or_default().whole.push(place);
        }
    }

    /// All bytes of a body were read; its end was not yet seen.
    pub(crate) fn read_all(&self, op: &Op, place: Place) {
        self.lock().seen.entry(op.id).or_default().whole.push(place);
    }

    fn check_body(&self, what: &str, whole: &[u8], fails: bool, got: &[u8], ended: &Ended) {
        if !whole.starts_with(got) {
            self.wrong(format!("{what}: the bytes are wrong"));
        }
        if matches!(ended, Ended::Whole) && (fails || got.len() != whole.len()) {
            self.wrong(format!("{what}: a wrong end, {} of {}", got.len(), whole.len()));
        }
    }

    /// The sender of a one-way message has its result.
    pub(crate) fn sent(&self, op: &Op, result: &Result<Delivery, Error>) {
        self.log(|| format!("op {}: sent: {result:?}", op.id));
        match result {
            Ok(delivery) => {
                self.delivered(op, delivery.completed());
                self.succeeds(op, delivery);
            }
            Err(error) => self.failed(op, error),
        }
    }

    fn delivered(&self, op: &Op, completed: &[InstanceId]) {
        if op.body.fails() && !completed.is_empty() {
            self.wrong(format!("op {}: delivered, though its source failed", op.id));
        }
        let mut state = self.lock();
        let whole = state.seen.entry(op.id).or_default().whole.clone();
        drop(state);
        for instance in completed {
            let named = completed.iter().filter(|other| *other == instance).count();
            let mut places: Vec<_> = whole.iter().filter(|at| at.instance == *instance).collect();
            places.sort();
            places.dedup();
            if places.len() < named {
                self.wrong(format!(
                    "op {}: a wrong Ok: {named} at {instance}, but {places:?} have it",
                    op.id
                ));
            }
        }
    }

    pub(crate) fn failed(&self, op: &Op, error: &Error) {
        self.fails_as_planned(op, error);
        let mut state = self.lock();
        let seen = state.seen.entry(op.id).or_default();
        match error.executed() {
            Executed::No => seen.not_executed = Some(format!("{error:?}")),
            Executed::Yes if seen.runs.is_empty() => {
                drop(state);
                self.wrong(format!("op {}: {error:?}, but no handler ran", op.id));
            }
            _ => {}
        }
    }

    /// The asker has a reply, and has read it or some of it.
    pub(crate) fn replied(&self, op: &Op, by: InstanceId, got: &[u8], ended: &Ended) {
        self.log(|| format!("op {}: reply by {by}, read {}: {ended:?}", op.id, got.len()));
        let what = format!("reply to op {}", op.id);
        let Some(request) = &op.request else { return };
        let ran =
            self.lock().seen.entry(op.id).or_default().runs.iter().any(|at| at.instance == by);
        if !ran {
            self.wrong(format!("{what}: by {by}, where no handler ran"));
        }
        let (whole, fails) = match &request.answer {
            Answer::Reply(body) | Answer::ReplyFirst(body) => {
                (content(op.id, true, body.length), body.fails())
            }
            Answer::Echo => (content(op.id, false, op.body.length), op.body.fails()),
            Answer::Fails | Answer::Panics | Answer::Nothing => {
                return self.wrong(format!("{what}: there is one"));
            }
        };
        self.check_body(&what, &whole, fails, got, ended);
        if let Ended::Failed(error) = ended {
            self.failed(op, error);
        }
        if got == whole {
            self.lock().seen.entry(op.id).or_default().reply_whole = true;
        }
    }

    /// The asker has read every byte of a reply; its end was not yet seen.
    pub(crate) fn reply_read_all(&self, op: &Op) {
        self.lock().seen.entry(op.id).or_default().reply_whole = true;
    }

    /// A handler was told that the asker has the whole reply.
    pub(crate) fn reply_delivered(&self, op: &Op, streamed: bool) {
        self.log(|| format!("op {}: the reply was delivered", op.id));
        let whole = self.lock().seen.entry(op.id).or_default().reply_whole;
        if streamed && !whole {
            self.wrong(format!("op {}: a wrong Ok: the asker does not have the reply", op.id));
        }
    }
}
