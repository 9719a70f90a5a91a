//! The bindings of a conduit, each with its counts.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use super::tally::{Counter, Counts, Tallies, Tally};
use crate::{
    Subject,
    lock::lock,
    proto::{BindingId, BindingKind},
};

/// A binding, and what it has counted.
pub(crate) struct Record {
    pub(crate) id: BindingId,
    pub(crate) subject: Subject,
    pub(crate) kind: BindingKind,
    pub(crate) tally: Tally,
    /// One-way messages that found no room. In a plain binding, which has its own copy of every
    /// message, also requests and streamed messages that it did not get.
    pub(crate) lost: Counter,
    /// Messages that are known to be lost in transit.
    pub(crate) missed: Counter,
    /// Messages that layers have refused, without those that another member of the group may get.
    pub(crate) refused: Counter,
    /// How many handlers may run at the same time.
    pub(crate) concurrency: AtomicUsize,
    types: Mutex<Option<Types>>,
    /// Where it is counted in the end.
    whole: Arc<Tally>,
    is_over: AtomicBool,
}

/// The names of the types of a binding's messages and replies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Types {
    pub(crate) takes: &'static str,
    /// `None` if there is no reply.
    pub(crate) replies: Option<&'static str>,
}

/// All bindings that there are, and the counts of those that there were.
#[derive(Default)]
pub(crate) struct Records {
    live: Mutex<Vec<Arc<Record>>>,
    subjects: Tallies<Subject>,
}

impl Record {
    pub(crate) fn set_types(&self, types: Option<Types>) {
        *lock(&self.types) = types;
    }

    pub(crate) fn types(&self) -> Option<Types> {
        *lock(&self.types)
    }

    /// Notes that the binding is gone, so that it is no longer listed.
    pub(super) fn end(&self) {
        self.is_over.store(true, Ordering::Relaxed);
    }

    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }
}

impl Records {
    /// Returns the counts of a subject that are no binding's.
    pub(super) fn subject(&self, subject: &Subject) -> Arc<Tally> {
        self.subjects.get(subject)
    }

    /// Adds a binding.
    pub(super) fn add(&self, id: BindingId, subject: &Subject, kind: BindingKind) -> Arc<Record> {
        let record = Arc::new(Record {
            id,
            subject: subject.clone(),
            kind,
            tally: Tally::default(),
            lost: Counter::default(),
            missed: Counter::default(),
            refused: Counter::default(),
            concurrency: AtomicUsize::new(1),
            types: Mutex::default(),
            whole: self.subjects.get(subject),
            is_over: AtomicBool::new(false),
        });
        let mut live = lock(&self.live);
        live.retain(|record| {
            // Nothing else refers to it, so that nothing more is counted.
            let is_over = record.is_over() && Arc::strong_count(record) == 1;
            if is_over {
                record.whole.add(&record.tally.counts());
            }
            !is_over
        });
        live.push(Arc::clone(&record));
        record
    }

    /// Returns the bindings that there are, in the order in which they were added.
    pub(crate) fn live(&self) -> Vec<Arc<Record>> {
        lock(&self.live).iter().filter(|record| !record.is_over()).cloned().collect()
    }

    /// Returns what was counted, by subject.
    pub(crate) fn received(&self) -> Vec<(Option<Subject>, Counts)> {
        // Locked until all are added up, so that none is counted twice, or not at all.
        let live = lock(&self.live);
        let all = self.subjects.all().into_iter().map(|(subject, whole)| {
            let sum = Tally::default();
            sum.add(&whole.counts());
            let parts = live.iter().filter(|record| Arc::ptr_eq(&record.whole, &whole));
            parts.for_each(|record| sum.add(&record.tally.counts()));
            (subject, sum.counts())
        });
        all.filter(|(_, counts)| !counts.is_empty()).collect()
    }
}
