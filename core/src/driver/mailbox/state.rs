use std::{
    ops::{Deref, DerefMut},
    sync::{
        Mutex, MutexGuard,
        atomic::{AtomicUsize, Ordering},
    },
    task::Waker,
};

use super::charged::ChargedQueue;
use crate::{driver::Arrival, lock::lock, proto::Queue};

pub(super) struct MailboxState {
    pub(super) queue: ChargedQueue,
    pub(super) reader: Option<Waker>,
}

impl MailboxState {
    pub(super) fn new(queue: Queue<Arrival>) -> Self {
        Self { queue: ChargedQueue::new(queue), reader: None }
    }

    /// Stores a waker, unless it is stored already.
    pub(super) fn wait_with(&mut self, waker: &Waker) {
        match &mut self.reader {
            Some(reader) => reader.clone_from(waker),
            None => self.reader = Some(waker.clone()),
        }
    }
}

/// The locked state. Unlocking updates the count of messages.
pub(super) struct Locked<'a> {
    count: &'a AtomicUsize,
    state: MutexGuard<'a, MailboxState>,
}

impl<'a> Locked<'a> {
    pub(super) fn new(count: &'a AtomicUsize, state: &'a Mutex<MailboxState>) -> Self {
        Self { count, state: lock(state) }
    }
}

impl Deref for Locked<'_> {
    type Target = MailboxState;

    fn deref(&self) -> &MailboxState {
        &self.state
    }
}

impl DerefMut for Locked<'_> {
    fn deref_mut(&mut self) -> &mut MailboxState {
        &mut self.state
    }
}

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        self.count.store(self.queue.get().len(), Ordering::Release);
    }
}
