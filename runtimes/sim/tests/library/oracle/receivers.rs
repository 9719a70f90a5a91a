//! What those who receive may see.

use std::time::Duration;

use conduit::Message;
use conduit_json::Json;

use super::{Ended, Oracle, Place};
use crate::plan::{Op, Reader, Source, Subject, content};

/// Five others may lag, one after the other, each for the lag limit; and a producer takes its time.
const HELD_UP: Duration = Duration::from_secs(53);
/// Longer than a cancellation takes.
const CANCELLED: Duration = Duration::from_secs(1);

impl Oracle {
    /// A handler starts.
    pub(crate) fn runs(&self, op: &Op, place: Place, message: &Message<Json>) {
        self.log(|| format!("op {}: handler starts at {place:?}", op.id));
        self.look();
        let subject = message.subject().as_str();
        if subject != op.subject.name() || message.is_request() != op.request.is_some() {
            self.wrong(format!("op {}: it came as another: {message:?}", op.id));
        }
        let (twice, members) = self.seen(op, |seen| {
            let twice = seen.runs.contains(&place);
            let members = seen.runs.iter().filter(|run| run.group).count();
            seen.runs.push(place);
            (twice, members)
        });
        if twice {
            self.wrong(format!("op {}: handler ran twice at {place:?}", op.id));
        } else if place.group && !op.is_for_group() {
            self.wrong(format!("op {}: the group got what was for all", op.id));
        } else if place.group && members > 0 {
            self.wrong(format!("op {}: two members of the group got it", op.id));
        }
        self.keeps_order(op, place);
    }

    fn keeps_order(&self, op: &Op, place: Place) {
        if op.is_streamed(&self.limits) || op.body.source != Source::Bytes {
            return;
        }
        let mut state = self.lock();
        // A request that was refused is asked again, and takes a later place; so does what an instance
        // hands on that leaves.
        if op.request.is_some() || (place.group && state.left.is_some()) {
            return;
        }
        let key = (place, op.from, op.subject.name());
        let before = state.order.insert(key, op.sequence);
        drop(state);
        if before.is_some_and(|before| before > op.sequence) {
            self.wrong(format!("op {}: it came out of order at {place:?}", op.id));
        }
    }

    /// A handler has read a body, or some of it, in some time.
    pub(crate) fn read(&self, op: &Op, place: Place, got: &[u8], ended: &Ended, took: Duration) {
        self.log(|| format!("op {}: read {} at {place:?}: {ended:?}", op.id, got.len()));
        let whole = content(op.id, false, op.body.length);
        self.check_body(&format!("op {}", op.id), &whole, op.body.fails(), got, ended);
        if let Ended::Failed(error) = ended {
            self.is_typed(op, error);
        }
        let quick = op.reader_at(place) == Reader::Fast && matches!(ended, Ended::Whole);
        if quick && self.network.reliable && took > HELD_UP {
            self.wrong(format!("op {}: {place:?} was held up for {took:?}", op.id));
        }
    }

    /// All bytes of a body were read; its end was not yet seen.
    pub(crate) fn read_all(&self, op: &Op, place: Place, got: &[u8]) {
        if got == content(op.id, false, op.body.length) {
            self.seen(op, |seen| seen.whole.push(place));
        }
    }

    pub(super) fn check_body(
        &self,
        what: &str,
        whole: &[u8],
        fails: bool,
        got: &[u8],
        ended: &Ended,
    ) {
        let is_end = matches!(ended, Ended::Whole);
        // The checksum tells at the end.
        if !whole.starts_with(got) && (is_end || !self.network.damages) {
            self.wrong(format!("{what}: the bytes are wrong"));
        }
        if is_end && (fails || got.len() != whole.len()) {
            self.wrong(format!("{what}: a wrong end, {} of {}", got.len(), whole.len()));
        }
    }

    /// A handler that a cancellation ends is done with its work.
    pub(crate) fn worked(&self, op: &Op, place: Place, now: Duration) {
        let given_up = self.seen(op, |seen| seen.given_up);
        // Elsewhere another may have answered, so that nothing is cancelled.
        let alone = op.subject == Subject::Job && op.is_for_group() && self.network.reliable;
        if let Some(at) = given_up.filter(|at| alone && now > *at + CANCELLED) {
            self.wrong(format!(
                "op {}: cancelled after {at:?}, and {place:?} works until {now:?}",
                op.id
            ));
        }
    }

    /// A handler was told that the asker has the whole reply.
    pub(crate) fn reply_delivered(&self, op: &Op, streamed: bool) {
        self.log(|| format!("op {}: the reply was delivered", op.id));
        let whole = self.seen(op, |seen| seen.reply_whole);
        if streamed && !whole {
            self.wrong(format!("op {}: a wrong Ok: the asker does not have the reply", op.id));
        }
    }
}
