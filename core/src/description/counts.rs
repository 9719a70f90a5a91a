use std::{collections::BTreeMap, iter::Sum};

use serde::{Deserialize, Serialize};

use crate::Subject;

/// A binding, as its instance describes it: a part of [`InstanceInfo`](crate::InstanceInfo) and of
/// [`Drained`](crate::Drained).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct BindingInfo {
    /// The subject.
    pub subject: Subject,
    /// How it was bound.
    pub kind: BoundAs,
    /// How many handlers may run at the same time.
    pub concurrency: u64,
    /// The name of the type that its [`Contract`](crate::Contract) takes, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub takes: Option<String>,
    /// The name of the type that its contract replies with, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replies: Option<String>,
    /// What became of its messages.
    pub counts: BindingCounts,
}

/// How a binding was bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum BoundAs {
    /// By [`bind`](crate::Conduit::bind).
    Bind,
    /// By [`bind_once`](crate::Conduit::bind_once).
    BindOnce,
    /// By [`queue_bind`](crate::Conduit::queue_bind).
    QueueBind,
}

/// What became of the messages of a binding since it was made.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct BindingCounts {
    /// Messages that a handler or a reader has taken, requests included. One that went back to its
    /// group before that is not counted.
    pub messages: u64,
    /// Messages whose handlers run.
    pub in_flight: u64,
    /// Messages that wait.
    pub waiting: u64,
    /// Bytes of the packets that wait.
    pub waiting_bytes: u64,
    /// Messages whose handlers have ended without an error.
    pub handled: u64,
    /// Messages whose handlers have failed, panicked, or were stopped.
    pub errors: u64,
    /// These errors, and the messages that were refused or dropped before a handler had them, by the
    /// name of their [`ErrorKind`](crate::ErrorKind).
    pub failed: BTreeMap<String, u64>,
    /// The last error of a handler, as it is called there. Empty if there was none.
    pub last_error: String,
    /// See [`Binding::lost`](crate::Binding::lost).
    pub lost: u64,
    /// See [`Binding::missed`](crate::Binding::missed).
    pub missed: u64,
    /// See [`Binding::refused`](crate::Binding::refused).
    pub refused: u64,
    /// Bytes of bodies that have arrived; of streamed ones, those that were read.
    pub bytes: u64,
    /// Requests whose handlers have ended.
    pub requests: u64,
    /// How long their handlers took, all together, in microseconds.
    pub time_us: u64,
    /// How long the slowest of them took, in microseconds.
    pub longest_us: u64,
}

impl BindingInfo {
    pub(crate) fn new(subject: Subject, kind: BoundAs, counts: BindingCounts) -> Self {
        Self { subject, kind, concurrency: 1, takes: None, replies: None, counts }
    }
}

impl<'a> Sum<&'a Self> for BindingCounts {
    fn sum<I: Iterator<Item = &'a Self>>(all: I) -> Self {
        all.fold(Self::default(), |mut sum, one| {
            // Names each field, so that none is forgotten.
            let Self {
                messages,
                in_flight,
                waiting,
                waiting_bytes,
                handled,
                errors,
                failed,
                // Which of them was the last is not known.
                last_error: _,
                lost,
                missed,
                refused,
                bytes,
                requests,
                time_us,
                longest_us,
            } = one;
            let add = |to: &mut u64, more: &u64| *to = to.saturating_add(*more);
            add(&mut sum.messages, messages);
            add(&mut sum.in_flight, in_flight);
            add(&mut sum.waiting, waiting);
            add(&mut sum.waiting_bytes, waiting_bytes);
            add(&mut sum.handled, handled);
            add(&mut sum.errors, errors);
            add(&mut sum.lost, lost);
            add(&mut sum.missed, missed);
            add(&mut sum.refused, refused);
            add(&mut sum.bytes, bytes);
            add(&mut sum.requests, requests);
            add(&mut sum.time_us, time_us);
            sum.longest_us = sum.longest_us.max(*longest_us);
            for (kind, count) in failed {
                add(sum.failed.entry(kind.clone()).or_default(), count);
            }
            sum
        })
    }
}
