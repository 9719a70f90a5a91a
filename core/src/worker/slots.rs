use async_channel::{Receiver, Sender};

/// Limits how many handlers run at the same time.
pub(super) struct Slots {
    free: Sender<()>,
    taken: Receiver<()>,
}

/// A permit to run a handler, returned on drop.
pub(super) struct Slot(Receiver<()>);

impl Slots {
    pub(super) fn new(count: usize) -> Self {
        let (free, taken) = async_channel::bounded(count);
        Self { free, taken }
    }

    pub(super) async fn take(&self) -> Slot {
        // The channel is open: `self` holds its other end.
        self.free.send(()).await.ok();
        Slot(self.taken.clone())
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.try_recv().ok();
    }
}
