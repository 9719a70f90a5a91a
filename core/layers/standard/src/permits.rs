//! A bounded number of permits, and a bounded number of callers that wait for one.

use std::sync::{Arc, Mutex};

use event_listener::Event;

use crate::lock;

pub(crate) struct Permits {
    most: usize,
    most_waiting: usize,
    state: Mutex<State>,
    /// Notified when a permit has come back.
    back: Event,
}

#[derive(Default)]
struct State {
    taken: usize,
    waiting: usize,
}

/// A permit, which comes back when this is dropped.
pub(crate) struct Permit(Arc<Permits>);

/// One that waits.
struct Waiting<'a>(&'a Permits);

impl Permits {
    pub(crate) fn new(most: usize, most_waiting: usize) -> Self {
        Self { most, most_waiting, state: Mutex::default(), back: Event::new() }
    }

    pub(crate) fn most(&self) -> usize {
        self.most
    }

    pub(crate) fn most_waiting(&self) -> usize {
        self.most_waiting
    }

    pub(crate) fn taken(&self) -> usize {
        lock(&self.state).taken
    }

    pub(crate) fn waiting(&self) -> usize {
        lock(&self.state).waiting
    }

    /// Takes a permit, unless others wait for one.
    pub(crate) fn try_take(self: &Arc<Self>) -> Option<Permit> {
        let mut state = lock(&self.state);
        let is_free = state.waiting == 0 && state.taken < self.most;
        is_free.then(|| {
            state.taken += 1;
            Permit(Arc::clone(self))
        })
    }

    /// Takes a permit, after those that wait already. `None` if too many wait.
    pub(crate) async fn take(self: &Arc<Self>) -> Option<Permit> {
        if let Some(permit) = self.try_take() {
            return Some(permit);
        }
        let _waiting = self.wait()?;
        loop {
            let back = self.back.listen();
            {
                let mut state = lock(&self.state);
                if state.taken < self.most {
                    state.taken += 1;
                    return Some(Permit(Arc::clone(self)));
                }
            }
            back.await;
        }
    }

    fn wait(&self) -> Option<Waiting<'_>> {
        let mut state = lock(&self.state);
        if state.waiting == self.most_waiting {
            return None;
        }
        state.waiting += 1;
        Some(Waiting(self))
    }
}

impl Permit {
    pub(crate) fn is_of(&self, permits: &Arc<Permits>) -> bool {
        Arc::ptr_eq(&self.0, permits)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        lock(&self.0.state).waiting -= 1;
        // It may have been told of a permit that it does not take.
        self.0.back.notify(1);
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        lock(&self.0.state).taken -= 1;
        self.0.back.notify(1);
    }
}
