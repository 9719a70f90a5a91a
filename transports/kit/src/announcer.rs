//! Announces the events of a connection: to their readers, and to the log.

use std::{
    fmt,
    pin::Pin,
    sync::{Mutex, PoisonError},
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use async_broadcast::{InactiveReceiver, Receiver, RecvError, Sender, broadcast};
use conduit::logging::{Noted, Repeats};
use futures_core::Stream;

/// How many events wait for a reader.
const KEPT: usize = 256;

/// How often an event that floods is announced.
const SOMETIMES: Duration = Duration::from_secs(1);

/// What is logged again and again is logged once in this time.
const LOGGED_EACH: Duration = Duration::from_secs(10);

/// An event of a connection.
pub trait Event: Clone + PartialEq + Send + 'static {
    /// Returns the event that a reader was too slow, and so many older events were dropped.
    fn missed(count: u64) -> Self;

    /// Returns whether it comes so often that it is announced once a second only.
    fn floods(&self) -> bool;

    /// Returns under which name it is logged once in ten seconds only, if it may come again and again.
    fn repeats_as(&self) -> Option<&'static str>;

    /// Logs it, with how many like it were not logged before, and the text to append about them.
    fn log(&self, more: Option<u64>, before: &str);
}

/// Announces the events of a connection. The newest 256 wait for each reader.
#[derive(Debug)]
pub struct Announcer<E> {
    sender: Sender<E>,
    /// Keeps the channel open while nothing reads.
    receiver: InactiveReceiver<E>,
    last: Mutex<Option<(E, Instant)>>,
    repeats: Mutex<Repeats<&'static str>>,
}

/// The events of a connection, from [`Announcer::listen`].
///
/// A [`Stream`] that ends with the connection. A reader that is too slow loses the oldest, and gets
/// [`missed`](Event::missed) in their place.
pub struct Announced<E>(Option<Receiver<E>>);

impl<E: Event> Default for Announcer<E> {
    fn default() -> Self {
        let (mut sender, receiver) = broadcast(KEPT);
        sender.set_overflow(true);
        Self {
            sender,
            receiver: receiver.deactivate(),
            last: Mutex::default(),
            repeats: Mutex::new(Repeats::new(LOGGED_EACH)),
        }
    }
}

impl<E: Event> Announcer<E> {
    /// Logs an event, and tells it to the readers.
    pub fn announce(&self, event: E) {
        self.log(&event);
        if self.is_news(&event) {
            // Fails while nothing reads.
            let _ = self.sender.try_broadcast(event);
        }
    }

    /// Returns the events from now on.
    #[must_use]
    pub fn listen(&self) -> Announced<E> {
        Announced(Some(self.receiver.activate_cloned()))
    }

    /// Ends the events, after those that were announced.
    pub fn close(&self) {
        self.sender.close();
    }

    fn is_news(&self, event: &E) -> bool {
        if !event.floods() {
            return true;
        }
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let told =
            last.as_ref().is_some_and(|(before, at)| before == event && now < *at + SOMETIMES);
        if !told {
            *last = Some((event.clone(), now));
        }
        !told
    }

    fn log(&self, event: &E) {
        let Some(kind) = event.repeats_as() else {
            return event.log(None, "");
        };
        let mut repeats = self.repeats.lock().unwrap_or_else(PoisonError::into_inner);
        let noted = repeats.note(Instant::now(), kind, 1, ());
        drop(repeats);
        if let Noted::Told(before) = noted {
            let more = before.as_ref().map(|before| before.more);
            let before = before.map_or_else(String::new, |before| format!(", {before} before"));
            event.log(more, &before);
        }
    }
}

impl<E> Announced<E> {
    /// Returns events of which there are none.
    #[must_use]
    pub const fn none() -> Self {
        Self(None)
    }
}

impl<E: Event> Stream for Announced<E> {
    type Item = E;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<E>> {
        let Some(receiver) = &mut self.0 else {
            return Poll::Ready(None);
        };
        Poll::Ready(match ready!(Pin::new(receiver).poll_recv(cx)) {
            Some(Ok(event)) => Some(event),
            Some(Err(RecvError::Overflowed(missed))) => Some(E::missed(missed)),
            Some(Err(RecvError::Closed)) | None => None,
        })
    }
}

impl<E> fmt::Debug for Announced<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events").finish_non_exhaustive()
    }
}
