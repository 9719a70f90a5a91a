//! Sends notices in the background: refusals, cancellations, failures.

use std::{
    collections::VecDeque,
    future::poll_fn,
    sync::Mutex,
    task::{Context, Poll, Waker},
};

use bytes::Bytes;

use super::{Ground, Logged, Seen, lock};
use crate::{
    error::Causes,
    proto::frame::Frame,
    transport::{Address, Token, TransportError},
};

/// The notices that wait to be published. It frees unused memory.
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

/// Why a notice is not accepted.
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

    /// Returns the next notice; `None` once it is closed and empty.
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

    /// Accepts no more notices.
    fn close(&self) {
        let mut state = lock(&self.state);
        state.closed = true;
        let postman = state.postman.take();
        drop(state);
        if let Some(postman) = postman {
            postman.wake();
        }
    }

    /// Accepts no more notices, and drops the waiting ones.
    fn clear(&self) {
        self.close();
        let letters = std::mem::take(&mut lock(&self.state).letters);
        drop(letters);
    }
}

/// Frees the memory that a burst has taken.
fn release(letters: &mut VecDeque<Letter>) {
    const KEPT: usize = 64;
    if letters.capacity() > KEPT {
        *letters = VecDeque::new();
    }
}

impl Ground {
    /// Sends a packet in the background. If too many are waiting it is dropped, and the peer has to
    /// find out by a timeout.
    pub(crate) fn post(&self, to: Address, frame: &Frame) {
        self.post_packet(to, frame.encode(), None);
    }

    pub(crate) fn post_packet(&self, to: Address, packet: Bytes, notice: Option<Token>) {
        // A closed outbox means that the conduit is closing: not counted.
        if let Err(Refused::Full) = self.outbox.push(Letter { to, packet, notice }) {
            self.counters.unposted.add(1);
            self.log(Logged::NotPosted, Seen::default());
        }
    }

    /// Publishes notices, until the conduit closes and all of them are sent.
    pub(crate) async fn run_outbox(&self) {
        let next = || poll_fn(|cx| self.outbox.poll_next(cx));
        while let Some(Letter { to, packet, notice }) = next().await {
            let undelivered = notice.map(|token| (&self.inbox, token));
            if let Err(error) = self.transport.publish(&to, &mut Some(packet), undelivered).await {
                self.note_not_sent(&to, &error);
            }
        }
    }

    /// Logs that a packet could not be published in the background.
    pub(in crate::driver) fn note_not_sent(&self, to: &Address, error: &TransportError) {
        let error = format_args!("{to:?}: {}", Causes(error));
        self.log(Logged::NotSent, Seen::error(&error));
    }

    /// Accepts no more packets.
    pub(crate) fn close_outbox(&self) {
        self.outbox.close();
    }

    /// Accepts no more packets, and drops the waiting ones.
    pub(in crate::driver) fn clear_outbox(&self) {
        self.outbox.clear();
    }
}
