use std::{
    sync::{Arc, atomic::AtomicU64},
    task::{Context, Poll, Waker},
    time::Instant,
};

use conduit::transport::{Connection, ConnectionState, TransportError, TransportErrorKind};
use conduit_kit::{Announcer, Closing, Driven, Places};

use crate::{
    RedisEvent,
    reply::{Malformed, Reply},
    state::{Answer, News, State},
};

/// What the transports on one connection share with the thread that drives it.
pub(crate) struct Shared {
    pub(crate) driven: Driven<State>,
    pub(crate) connection: Connection,
    pub(crate) announcer: Announcer<RedisEvent>,
    pub(crate) places: Places,
    /// How many conduits share the connection.
    pub(crate) conduits: AtomicU64,
    /// Closed when the thread is to end the connection.
    pub(crate) stopping: Arc<Closing>,
}

impl Shared {
    pub(crate) fn new() -> Self {
        Self {
            driven: Driven::new(State::new()),
            connection: Connection::new(ConnectionState::Disconnected),
            announcer: Announcer::default(),
            places: Places::new(Instant::now()),
            conduits: AtomicU64::new(0),
            stopping: Arc::default(),
        }
    }

    /// Waits until a packet may find room. The caller looks again afterwards.
    pub(crate) async fn room(&self) {
        self.driven.until(|state| !state.is_connected() || state.has_room()).await;
    }

    /// Waits for the server's sign that comes behind all that it has done for us before.
    pub(crate) async fn round_trip(&self) -> Result<(), TransportError> {
        let (answer, waiting) = Answer::new();
        let sent = self.driven.with(|state| {
            let connected = state.is_connected();
            if connected {
                state.mark(Some(answer));
            }
            connected
        });
        if !sent {
            return Err(self.driven.gone());
        }
        match waiting.answer().await {
            Some(Ok(())) => Ok(()),
            Some(Err(error)) => Err(TransportError::new(TransportErrorKind::Other, error)),
            None => Err(self.driven.gone()),
        }
    }

    /// A connection was made. Returns its number.
    pub(crate) fn begin(&self) -> u64 {
        self.places.forget();
        let number = self.driven.with(|state| {
            state.begin();
            state.connection().unwrap_or_default()
        });
        self.connection.note(ConnectionState::Connected);
        self.announcer.announce(RedisEvent::Connected);
        self.driven.tell_connected();
        number
    }

    /// The connection was lost.
    pub(crate) fn break_off(&self, why: String) {
        self.driven.break_off(|| {
            self.connection.note(ConnectionState::Disconnected);
            self.announcer.announce(RedisEvent::Disconnected(why));
        });
    }

    /// There will be no connection any more.
    pub(crate) fn end(&self) {
        self.driven.end(|| {
            self.connection.note(ConnectionState::Disconnected);
            self.announcer.announce(RedisEvent::Closed);
            self.announcer.close();
        });
    }

    /// Takes what the server has said.
    ///
    /// # Errors
    /// It is not what a server says, or no server to publish to.
    pub(crate) fn handle(&self, replies: &mut Vec<Reply>) -> Result<(), Malformed> {
        let mut news = News::default();
        let handled = self
            .driven
            .with(|state| replies.drain(..).try_for_each(|reply| state.handle(reply, &mut news)));
        let News { wakers, denied, suspects, errors, dropped, moved } = news;
        wakers.into_iter().for_each(Waker::wake);
        self.driven.tell_answered();
        suspects.iter().for_each(|channel| self.places.suspect(channel));
        for (channel, error) in denied {
            self.announcer.announce(RedisEvent::Denied(format!("{channel}: {error}")));
        }
        for error in errors {
            self.announcer.announce(RedisEvent::ServerError(error));
        }
        if dropped > 0 {
            self.announcer.announce(RedisEvent::SlowConsumer);
        }
        if moved {
            return Err(Malformed::new("it does not take what is published any more"));
        }
        handled
    }

    /// What is to be written, when there is something.
    pub(crate) fn poll_take(
        &self,
        empty: &mut Vec<u8>,
        cx: &mut Context<'_>,
    ) -> Poll<(Vec<u8>, u64)> {
        self.driven.poll_take(cx, |state| state.take(empty), State::set_writer)
    }
}
