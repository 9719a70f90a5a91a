use std::{sync::Arc, task::Waker};

use crate::way::Way;

/// The readers to wake after the broker's lock is released, since a waker may run or drop a task
/// that takes it. The first one, usually the only one, is stored without an allocation.
#[derive(Default)]
pub(crate) struct Wakers {
    first: Option<Waker>,
    rest: Vec<Waker>,
    /// The connections that have written a packet.
    written: Vec<Arc<Way>>,
}

impl Wakers {
    pub(crate) fn add(&mut self, waker: Option<Waker>) {
        if self.first.is_none() {
            self.first = waker;
        } else {
            self.rest.extend(waker);
        }
    }

    pub(crate) fn add_written(&mut self, way: Option<Arc<Way>>) {
        self.written.extend(way);
    }

    pub(crate) fn wake(self) {
        self.written.iter().for_each(|way| way.notify_written());
        self.first.into_iter().chain(self.rest).for_each(Waker::wake);
    }
}
