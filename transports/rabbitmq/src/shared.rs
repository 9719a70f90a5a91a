use std::{
    future::Future,
    pin::pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context, Poll, Waker},
    time::Instant,
};

use conduit::transport::{Connection, ConnectionState, TransportError, TransportErrorKind};
use conduit_kit::{Announcer, Places};
use event_listener::Event;
use futures_lite::FutureExt;

use crate::{
    RabbitEvent,
    frame::{Frame, Malformed},
    state::{Agreed, News, Phase, Side, State, Waiting},
};

/// What the transports on one pair of connections share with the thread that drives the two.
pub(crate) struct Shared {
    state: Mutex<State>,
    pub(crate) connection: Connection,
    pub(crate) announcer: Announcer<RabbitEvent>,
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
            stopping: AtomicBool::new(false),
            stop: Event::new(),
        }
    }

    /// Does something with the state, and wakes the writer if there is something to write.
    pub(crate) fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.lock();
        let done = act(&mut state);
        self.given.store(state.given(), Ordering::Relaxed);
        let writers = state.take_writers();
        drop(state);
        writers.into_iter().flatten().for_each(Waker::wake);
        done
    }

    fn phase(&self) -> Phase {
        self.lock().phase()
    }

    /// Waits until there is a connection.
    pub(crate) async fn connected(&self) -> Result<(), TransportError> {
        loop {
            let listener = self.connected.listen();
            match self.phase() {
                Phase::Connected => return Ok(()),
                Phase::Ended => return Err(TransportErrorKind::Closed.into()),
                Phase::Disconnected | Phase::Restoring => listener.await,
            }
        }
    }

    /// Waits until there is a connection, and the server takes what is published.
    pub(crate) async fn ready(&self) -> Result<(), TransportError> {
        loop {
            self.connected().await?;
            let listener = self.answered.listen();
            if !self.lock().is_blocked() {
                return Ok(());
            }
            listener.await;
        }
    }

    /// Waits until something was written or answered, unless something holds already.
    pub(crate) async fn until(&self, holds: impl Fn(&State) -> bool + Send) {
        let (left, answered) = (self.left.listen(), self.answered.listen());
        if !holds(&self.lock()) {
            left.or(answered).await;
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

    /// Waits until the server has processed what was published before, with a sign from it in any case.
    pub(crate) async fn round_trip(&self) -> Result<(), TransportError> {
        let marks = self.with(State::marks);
        if marks.is_empty() {
            return Err(self.gone());
        }
        self.all(marks).await
    }

    /// Waits until the server has processed what was published before, if anything is under way.
    pub(crate) async fn confirmed(&self) -> Result<(), TransportError> {
        let marks = self.lock().lane_marks();
        self.all(marks).await
    }

    async fn all(&self, marks: Vec<Waiting>) -> Result<(), TransportError> {
        for mark in marks {
            if mark.answer().await.is_none() {
                return Err(self.gone());
            }
        }
        Ok(())
    }

    /// The error of what cannot be done without a connection.
    pub(crate) fn gone(&self) -> TransportError {
        match self.phase() {
            Phase::Ended => TransportErrorKind::Closed.into(),
            _ => TransportErrorKind::Disconnected.into(),
        }
    }

    /// Connections were made. Returns their number.
    pub(crate) fn begin(&self, agreed: &Agreed) -> u64 {
        self.places.forget();
        let mut news = News::default();
        let number = self.with(|state| {
            state.begin(agreed, &mut news);
            state.connection().unwrap_or_default()
        });
        self.tell(news);
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
        self.announcer.announce(RabbitEvent::Disconnected(why));
        wakers.into_iter().for_each(Waker::wake);
        self.left.notify(usize::MAX);
        self.answered.notify(usize::MAX);
    }

    /// There will be no connection any more.
    pub(crate) fn end(&self) {
        let wakers = self.lock().end();
        self.connection.note(ConnectionState::Disconnected);
        self.announcer.announce(RabbitEvent::Closed);
        self.announcer.close();
        wakers.into_iter().for_each(Waker::wake);
        self.connected.notify(usize::MAX);
        self.left.notify(usize::MAX);
        self.answered.notify(usize::MAX);
    }

    /// Takes what the server has said.
    ///
    /// # Errors
    /// It is not what a server says, or it has closed the connection.
    pub(crate) fn handle(
        &self,
        side: Side,
        frames: &mut Vec<(u16, Frame)>,
    ) -> Result<(), Malformed> {
        let mut news = News::default();
        let handled = self.with(|state| {
            let mut frames = frames.drain(..);
            frames.try_for_each(|(channel, frame)| state.handle(side, channel, frame, &mut news))
        });
        self.tell(news);
        self.answered.notify(usize::MAX);
        handled
    }

    fn tell(&self, news: News) {
        news.wakers.into_iter().for_each(Waker::wake);
        news.suspects.iter().for_each(|name| self.places.suspect(name));
        for unsure in news.permitted {
            self.places.permit(unsure.generation, &unsure.place, &unsure.name);
        }
        for (name, why) in news.denied {
            self.announcer.announce(RabbitEvent::Denied(format!("{name}: {why}")));
        }
        for error in news.errors {
            self.announcer.announce(RabbitEvent::ServerError(error));
        }
        if news.dropped > 0 {
            self.announcer.announce(RabbitEvent::SlowConsumer);
        }
        if news.connected {
            self.connection.note(ConnectionState::Connected);
            self.announcer.announce(RabbitEvent::Connected);
            self.connected.notify(usize::MAX);
        }
        match news.blocked {
            Some(Some(why)) => {
                self.connection.note(ConnectionState::Blocked);
                self.announcer.announce(RabbitEvent::Blocked(why));
            }
            Some(None) => {
                self.connection.note(ConnectionState::Connected);
                self.announcer.announce(RabbitEvent::Unblocked);
            }
            None => {}
        }
    }

    /// What is to be written, when there is something.
    pub(crate) fn poll_take(
        &self,
        side: Side,
        empty: &mut Vec<u8>,
        cx: &mut Context<'_>,
    ) -> Poll<(Vec<u8>, u64)> {
        let mut state = self.lock();
        match state.take(side, empty) {
            Some(taken) => {
                drop(state);
                self.left.notify(usize::MAX);
                Poll::Ready(taken)
            }
            None => {
                state.set_writer(side, cx.waker());
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
