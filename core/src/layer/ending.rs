//! The end of a call, which may come after its outcome.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, PoisonError},
};

use crate::{Error, driver::BodyEnd, lock::lock};

/// How a call has ended: see [`Outcome::on_end`](super::Outcome::on_end).
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum End<'a> {
    /// Everything was sent, and the last byte of the reply was read.
    Complete,
    /// The call failed, or the body of its reply.
    Failed(&'a Error),
    /// The reply was dropped before its last byte was read.
    Dropped,
}

pub(super) type OnEnd = Box<dyn FnOnce(End<'_>) + Send>;

/// The closures that are called at the end of a call, in the order in which they were added: those
/// of inner layers first.
#[derive(Default)]
pub(super) struct Hooks(Vec<OnEnd>);

impl Hooks {
    pub(super) fn push(&mut self, hook: OnEnd) {
        self.0.push(hook);
    }

    pub(super) fn run(self, end: End<'_>) {
        for hook in self.0 {
            // One of them may panic, and the others have to know. The panic hook has printed it.
            let _ = catch_unwind(AssertUnwindSafe(|| hook(end)));
        }
    }
}

/// A part of a call that has yet to end. The call ends with the last of its parts.
pub(crate) struct Ending {
    state: Arc<EndState>,
    has_ended: bool,
}

struct EndState {
    hooks: Mutex<Hooks>,
    bad: Mutex<Option<Bad>>,
}

/// The first part that did not end well.
enum Bad {
    Failed(Error),
    Dropped,
}

impl Ending {
    pub(super) fn new(hooks: Hooks) -> Self {
        let state = EndState { hooks: Mutex::new(hooks), bad: Mutex::default() };
        Self { state: Arc::new(state), has_ended: false }
    }

    /// Adds a part.
    pub(crate) fn part(&self) -> Self {
        Self { state: Arc::clone(&self.state), has_ended: false }
    }

    pub(crate) fn end(mut self, result: Result<(), &Error>) {
        self.has_ended = true;
        if let Err(error) = result {
            self.note(Bad::Failed(Error::copy_of(error)));
        }
    }

    fn note(&self, bad: Bad) {
        lock(&self.state.bad).get_or_insert(bad);
    }
}

impl BodyEnd for Ending {
    fn ended(self: Box<Self>, result: Result<(), &Error>) {
        self.end(result);
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        if !self.has_ended {
            self.note(Bad::Dropped);
        }
    }
}

impl Drop for EndState {
    fn drop(&mut self) {
        let hooks = std::mem::take(self.hooks.get_mut().unwrap_or_else(PoisonError::into_inner));
        hooks.run(match self.bad.get_mut().unwrap_or_else(PoisonError::into_inner) {
            None => End::Complete,
            Some(Bad::Failed(error)) => End::Failed(error),
            Some(Bad::Dropped) => End::Dropped,
        });
    }
}
