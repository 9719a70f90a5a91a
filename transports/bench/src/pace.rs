//! Both sides of a case send at the same pace, so that neither loses anything.

use async_channel::{Receiver, Sender};

/// How often, within a window, the receiver says how far it is.
const BATCHES: usize = 4;

/// Held by whoever sends.
#[derive(Debug)]
pub struct Ahead {
    batch: usize,
    sent: usize,
    received: Receiver<()>,
}

/// Held by whoever receives.
#[derive(Debug)]
pub struct Behind {
    batch: usize,
    received: usize,
    sender: Sender<()>,
}

/// Keeps a sender at most `window` messages, at least four, ahead of its receiver.
#[must_use]
pub fn pace(window: usize) -> (Ahead, Behind) {
    let batch = (window / BATCHES).max(1);
    let (sender, received) = async_channel::bounded(BATCHES);
    for _ in 0..BATCHES {
        sender.try_send(()).ok();
    }
    (Ahead { batch, sent: 0, received }, Behind { batch, received: 0, sender })
}

impl Ahead {
    /// Waits until one more may be sent.
    pub async fn step(&mut self) {
        if self.sent.is_multiple_of(self.batch) {
            self.received.recv().await.ok();
        }
        self.sent += 1;
    }
}

impl Behind {
    /// One more was received.
    pub fn step(&mut self) {
        self.received += 1;
        if self.received.is_multiple_of(self.batch) {
            self.sender.try_send(()).ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::pace;
    use futures_lite::future::{block_on, poll_once};

    #[test]
    fn the_sender_is_at_most_a_window_ahead() {
        block_on(async {
            let (mut ahead, mut behind) = pace(8);
            for _ in 0..8 {
                ahead.step().await;
            }
            assert!(poll_once(ahead.step()).await.is_none());
            behind.step();
            behind.step();
            assert!(poll_once(ahead.step()).await.is_some());
        });
    }
}
