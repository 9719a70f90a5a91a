use async_channel::{Receiver, Sender};

/// Tells one caller who waits what a server has said. Dropped, it tells that there will be no answer.
#[derive(Debug)]
pub struct Answer<T>(Sender<T>);

/// Waits for an [`Answer`].
#[derive(Debug)]
pub struct Waiting<T>(Receiver<T>);

impl<T> Answer<T> {
    /// Creates an answer to be given, and what waits for it.
    #[must_use]
    pub fn new() -> (Self, Waiting<T>) {
        let (sender, receiver) = async_channel::bounded(1);
        (Self(sender), Waiting(receiver))
    }

    /// Gives the answer. Has no effect if nothing waits for it any more.
    pub fn give(self, said: T) {
        let _ = self.0.try_send(said);
    }
}

impl<T> Waiting<T> {
    /// Returns the answer; `None` if the connection was lost before.
    pub async fn answer(self) -> Option<T> {
        self.0.recv().await.ok()
    }
}
