use std::task::Waker;

/// The readers to wake after the broker's lock is released, since a waker may run or drop a task
/// that takes it. The first one, usually the only one, is stored without an allocation.
#[derive(Default)]
pub(crate) struct Wakers {
    first: Option<Waker>,
    rest: Vec<Waker>,
}

impl Wakers {
    pub(crate) fn add(&mut self, waker: Option<Waker>) {
        if self.first.is_none() {
            self.first = waker;
        } else {
            self.rest.extend(waker);
        }
    }

    pub(crate) fn wake(self) {
        self.first.into_iter().chain(self.rest).for_each(Waker::wake);
    }
}
