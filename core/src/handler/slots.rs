use async_channel::{Receiver, Sender};

/// A number of handlers that may run at the same time.
pub(super) struct Slots {
    free: Sender<()>,
    taken: Receiver<()>,
}

/// The right to run a handler. It is given back when dropped.
pub(super) struct Slot(Receiver<()>);

impl Slots {
    pub(super) fn new(count: usize) -> Self {
        let (free, taken) = async_channel::bounded(count);
        Self { free, taken }
    }

    pub(super) async fn take(&self) -> Slot {
        // It is open: this holds its other end.
        self.free.send(()).await.ok();
        Slot(self.taken.clone())
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.try_recv().ok();
    }
}
