use std::{
    future::Future,
    pin::pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::Instant,
};

use conduit::transport::{Connection, ConnectionState, TransportError, TransportErrorKind};
use conduit_kit::{Announcer, Places};
use event_listener::Event;

use crate::{
    RedisEvent,
    reply::{Malformed, Reply},
    state::{Answer, News, Phase, State},
};

/// What the transports on one connection share with the thread that drives it.
pub(crate) struct Shared {
    state: Mutex<State>,
    pub(crate) connection: Connection,
    pub(crate) announcer: Announcer<RedisEvent>,
    pub(crate) places: Places,
    /// How many packets were given and how many have left, as the state has them.
    given: AtomicU64,
    written: AtomicU64,
    /// There is a connection, or there will be none any more.
    connected: Event,
    /// Something was written, so that there may be room.
    left: Event,
    /// Something was answered, so that there may be room.
    answered: Event,
    /// How many conduits share the connection.
    pub(crate) conduits: AtomicU64,
    stopping: AtomicBool,
    stop: Event,
}

impl Shared {
    pub(crate) fn new() -> Self {
        Self {
            state: Mutex::new(State::new()),
            connection: Connection::new(ConnectionState::Disconnected),
            announcer: Announcer::default(),
            places: Places::new(Instant::now()),
            given: AtomicU64::new(0),
            written: AtomicU64::new(0),
            connected: Event::new(),
            left: Event::new(),
            answered: Event::new(),
            conduits: AtomicU64::new(0),
            stopping: AtomicBool::new(false),
            stop: Event::new(),
        }
    }

    /// Does something with the state, and wakes the writer if there is something to write.
    pub(crate) fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.lock();
        let done = act(&mut state);
        self.given.store(state.given(), Ordering::Relaxed);
        let writer = state.take_writer();
        drop(state);
        if let Some(writer) = writer {
            writer.wake();
        }
        done
    }

    fn phase(&self) -> Phase {
        self.lock().phase()
    }

    fn is_full(&self) -> bool {
        let state = self.lock();
        state.phase() == Phase::Connected && !state.has_room()
    }

    /// Waits until there is a connection.
    pub(crate) async fn connected(&self) -> Result<(), TransportError> {
        loop {
            let listener = self.connected.listen();
            match self.phase() {
                Phase::Connected => return Ok(()),
                Phase::Ended => return Err(TransportErrorKind::Closed.into()),
                Phase::Disconnected => listener.await,
            }
        }
    }

    /// Waits until a packet may find room. The caller looks again afterwards.
    pub(crate) async fn room(&self) {
        let (left, answered) = (self.left.listen(), self.answered.listen());
        if self.is_full() {
            futures_lite::future::or(left, answered).await;
        }
    }

    pub(crate) fn unwritten(&self) -> usize {
        let written = self.written.load(Ordering::Relaxed);
        let given = self.given.load(Ordering::Relaxed);
        usize::try_from(given.saturating_sub(written)).unwrap_or(usize::MAX)
    }

    /// Waits until what was given before has left.
    pub(crate) async fn written(&self) -> Result<(), TransportError> {
        let given = self.lock().given();
        loop {
            let listener = self.left.listen();
            if self.phase() == Phase::Ended {
                return Err(TransportErrorKind::Closed.into());
            }
            if self.written.load(Ordering::Acquire) >= given {
                return Ok(());
            }
            listener.await;
        }
    }

    /// Waits for the server's sign that comes behind all that it has done for us before.
    pub(crate) async fn round_trip(&self) -> Result<(), TransportError> {
        let (answer, waiting) = Answer::new();
        let sent = self.with(|state| {
            let connected = state.phase() == Phase::Connected;
            if connected {
                state.mark(Some(answer));
            }
            connected
        });
        if !sent {
            return Err(self.gone());
        }
        match waiting.answer().await {
            Some(Ok(())) => Ok(()),
            Some(Err(error)) => Err(TransportError::new(TransportErrorKind::Other, error)),
            None => Err(self.gone()),
        }
    }

    /// The error of what cannot be done without a connection.
    pub(crate) fn gone(&self) -> TransportError {
        match self.phase() {
            Phase::Ended => TransportErrorKind::Closed.into(),
            Phase::Connected | Phase::Disconnected => TransportErrorKind::Disconnected.into(),
        }
    }

    /// A connection was made. Returns its number.
    pub(crate) fn begin(&self) -> u64 {
        self.places.forget();
        let number = self.with(|state| {
            state.begin();
            state.connection().unwrap_or_default()
        });
        self.connection.note(ConnectionState::Connected);
        self.announcer.announce(RedisEvent::Connected);
        self.connected.notify(usize::MAX);
        number
    }

    /// The connection was lost.
    pub(crate) fn break_off(&self, why: String) {
        let wakers = {
            let mut state = self.lock();
            let wakers = state.break_off();
            self.written.store(state.written(), Ordering::Release);
            wakers
        };
        self.connection.note(ConnectionState::Disconnected);
        self.announcer.announce(RedisEvent::Disconnected(why));
        wakers.into_iter().for_each(std::task::Waker::wake);
        self.left.notify(usize::MAX);
    }

    /// There will be no connection any more.
    pub(crate) fn end(&self) {
        let wakers = self.lock().end();
        self.connection.note(ConnectionState::Disconnected);
        self.announcer.announce(RedisEvent::Closed);
        self.announcer.close();
        wakers.into_iter().for_each(std::task::Waker::wake);
        self.connected.notify(usize::MAX);
        self.left.notify(usize::MAX);
    }

    /// Takes what the server has said.
    ///
    /// # Errors
    /// It is not what a server says, or no server to publish to.
    pub(crate) fn handle(&self, replies: &mut Vec<Reply>) -> Result<(), Malformed> {
        let mut news = News::default();
        let handled = self
            .with(|state| replies.drain(..).try_for_each(|reply| state.handle(reply, &mut news)));
        let News { wakers, denied, suspects, errors, dropped, moved } = news;
        wakers.into_iter().for_each(std::task::Waker::wake);
        self.answered.notify(usize::MAX);
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
        let mut state = self.lock();
        match state.take(empty) {
            Some(taken) => {
                drop(state);
                self.left.notify(usize::MAX);
                Poll::Ready(taken)
            }
            None => {
                state.set_writer(cx.waker());
                Poll::Pending
            }
        }
    }

    pub(crate) fn wrote(&self, connection: u64, packets: u64) {
        let mut state = self.lock();
        state.wrote(connection, packets);
        self.written.store(state.written(), Ordering::Release);
        drop(state);
        self.left.notify(usize::MAX);
    }

    /// Makes the thread end the connection.
    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        self.stop.notify(usize::MAX);
    }

    /// Does something until the connection is to end; then `None`.
    pub(crate) async fn unless_stopped<T>(
        &self,
        operation: impl Future<Output = T> + Send,
    ) -> Option<T> {
        let stopped = async {
            loop {
                let listener = self.stop.listen();
                if self.stopping.load(Ordering::SeqCst) {
                    return None;
                }
                listener.await;
            }
        };
        let operation = pin!(operation);
        futures_lite::future::or(stopped, async { Some(operation.await) }).await
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Held by each open transport on a connection: the connection ends with the last.
pub(crate) struct Lease(Arc<Shared>);

impl Lease {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self(shared)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.0.stop();
    }
}
