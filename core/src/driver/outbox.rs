//! Packets that nobody waits for: refusals, cancellations, failures.

use std::{
    collections::VecDeque,
    future::poll_fn,
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker},
};

use bytes::Bytes;

use super::{Logged, Seen, Shared, shared::lock};
use crate::{
    error::Causes,
    proto::frame::Frame,
    transport::{Address, Token},
};

/// What is posted and not published. It holds no memory for what is not there.
pub(crate) struct Outbox {
    capacity: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    letters: VecDeque<Letter>,
    closed: bool,
    postman: Option<Waker>,
}

struct Letter {
    to: Address,
    packet: Bytes,
    notice: Option<Token>,
}

/// Why something is not posted.
enum Refused {
    Full,
    Closed,
}

impl Outbox {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { capacity, state: Mutex::default() }
    }

    fn push(&self, letter: Letter) -> Result<(), Refused> {
        let mut state = lock(&self.state);
        if state.closed {
            return Err(Refused::Closed);
        }
        if state.letters.len() >= self.capacity {
            return Err(Refused::Full);
        }
        state.letters.push_back(letter);
        let postman = state.postman.take();
        drop(state);
        if let Some(postman) = postman {
            postman.wake();
        }
        Ok(())
    }

    /// The next letter; nothing once it is closed and empty.
    fn poll_next(&self, cx: &Context<'_>) -> Poll<Option<Letter>> {
        let mut state = lock(&self.state);
        if let Some(letter) = state.letters.pop_front() {
            if state.letters.is_empty() {
                release(&mut state.letters);
            }
            return Poll::Ready(Some(letter));
        }
        if state.closed {
            return Poll::Ready(None);
        }
        state.postman = Some(cx.waker().clone());
        Poll::Pending
    }

    /// Takes no more.
    fn close(&self) {
        let mut state = lock(&self.state);
        state.closed = true;
        let postman = state.postman.take();
        drop(state);
        if let Some(postman) = postman {
            postman.wake();
        }
    }

    /// Takes no more, and forgets what was not published.
    fn clear(&self) {
        self.close();
        let letters = std::mem::take(&mut lock(&self.state).letters);
        drop(letters);
    }
}

/// Gives back what a burst has left behind.
fn release(letters: &mut VecDeque<Letter>) {
    const KEPT: usize = 64;
    if letters.capacity() > KEPT {
        *letters = VecDeque::new();
    }
}

impl Shared {
    /// Sends a packet soon, without waiting. Where too many wait already it is lost: the other side
    /// then learns by a timeout what it would have learnt now.
    pub(crate) fn post(&self, to: Address, frame: &Frame) {
        self.post_packet(to, frame.encode(), None);
    }

    pub(crate) fn post_packet(&self, to: Address, packet: Bytes, notice: Option<Token>) {
        // What comes after its end is of a conduit that closes.
        if let Err(Refused::Full) = self.outbox.push(Letter { to, packet, notice }) {
            self.counters.unposted.add(1);
            self.log(Logged::NotPosted, Seen::default());
        }
    }

    /// Publishes what is posted, until the conduit closes and everything posted is out.
    pub(crate) async fn run_outbox(self: Arc<Self>) {
        let next = || poll_fn(|cx| self.outbox.poll_next(cx));
        while let Some(Letter { to, packet, notice }) = next().await {
            let undelivered = notice.map(|token| (&self.inbox, token));
            if let Err(error) = self.transport.publish(&to, &mut Some(packet), undelivered).await {
                let error = format_args!("{to:?}: {}", Causes(&error));
                self.log(Logged::NotSent, Seen::error(&error));
            }
        }
    }

    /// Takes no more packets.
    pub(crate) fn close_outbox(&self) {
        self.outbox.close();
    }

    /// Takes no more packets, and sends none of those that wait.
    pub(super) fn clear_outbox(&self) {
        self.outbox.clear();
    }
}
