//! Describes this instance, and answers questions.

use std::sync::{Arc, atomic::Ordering};

use super::{Shared, ground::Ground, records::Record};
use crate::{
    BindingCounts, BindingInfo, BoundAs, InstanceInfo, Limits, Stats,
    proto::{
        BindingKind, Describing, Question, Reason,
        frame::{Frame, MAX_DESCRIPTION},
    },
    transport::{BoxFuture, Known},
};

impl Known for Shared {
    fn describe(&self) -> Option<InstanceInfo> {
        (!self.is_closed()).then(|| describe(self, true))
    }

    fn closed(&self) -> BoxFuture<'_, ()> {
        Box::pin(Ground::closed(self))
    }
}

/// Answers questions, for ever.
pub(super) async fn answer_questions(shared: &Shared) {
    shared.asked.answer_each(|question| answer(shared, &question)).await;
}

/// Answers the questions that wait, as many as may be answered in a second.
pub(super) fn answer_last_questions(shared: &Shared) {
    let far = shared.now() + Describing::MAX_WAIT;
    shared.asked.answer_until(far, |question| answer(shared, &question));
}

fn answer(shared: &Shared, question: &Question) {
    let mut info = describe(shared, !question.brief);
    let held = shared.now().saturating_duration_since(question.asked);
    info.held_us = u64::try_from(held.as_micros()).unwrap_or(u64::MAX);
    let Some(body) = info.encode(MAX_DESCRIPTION) else { return };
    let (message, source) = (question.message, shared.source.clone());
    shared.post(question.asker.inbox(), &Frame::Description { message, source, body });
}

/// Describes this instance as it is now, with bindings, limits and amounts unless it is to be brief.
pub(crate) fn describe(shared: &Shared, with_details: bool) -> InstanceInfo {
    let life = (shared.state(), shared.age(shared.now()));
    let mut info = InstanceInfo::new(&shared.source, &shared.about, life);
    if with_details {
        info.bindings = describe_bindings(shared);
        info.total = info.bindings.iter().map(|binding| &binding.counts).sum();
        info.add_details(&Limits::of(&shared.config), &Stats::of(shared));
    }
    info
}

/// Describes the bindings; while the conduit drains, those that it has left too.
pub(crate) fn describe_bindings(shared: &Shared) -> Vec<BindingInfo> {
    let waiting = shared.routes.waiting();
    let of = |record: &Arc<Record>| binding(record, waiting.get(&record.id).copied());
    shared.records.live().iter().map(of).collect()
}

fn binding(record: &Record, waiting: Option<(usize, u64)>) -> BindingInfo {
    /// How much of the name of a type is told.
    const MAX_TYPE: usize = 128;
    let (waiting, waiting_bytes) = waiting.unwrap_or_default();
    let counted = record.tally.counts();
    let counts = BindingCounts {
        messages: counted.taken(),
        in_flight: counted.in_flight(),
        waiting: waiting as u64,
        waiting_bytes,
        handled: counted.done,
        errors: counted.broken,
        failed: counted.failed.iter().map(|(kind, count)| (format!("{kind:?}"), *count)).collect(),
        last_error: counted.last.map_or_else(String::new, |kind| format!("{kind:?}")),
        lost: record.lost.get(),
        missed: record.missed.get(),
        refused: record.refused.get(),
        bytes: counted.bytes,
        requests: counted.requests,
        time_us: counted.micros,
        longest_us: counted.longest,
    };
    let kind = match record.kind {
        BindingKind::Broadcast => BoundAs::Bind,
        BindingKind::Once => BoundAs::BindOnce,
        BindingKind::Queue => BoundAs::QueueBind,
    };
    let mut info = BindingInfo::new(record.subject.clone(), kind, counts);
    info.concurrency = record.concurrency.load(Ordering::Relaxed) as u64;
    if let Some(types) = record.types() {
        info.takes = Some(Reason::cut(types.takes, MAX_TYPE).to_owned());
        info.replies = types.replies.map(|name| Reason::cut(name, MAX_TYPE).to_owned());
    }
    info
}
