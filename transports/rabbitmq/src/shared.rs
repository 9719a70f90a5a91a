use std::{
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Instant,
};

use conduit::transport::{Connection, ConnectionState, TransportError};
use conduit_kit::{Announcer, Closing, Driven, Places};

use crate::{
    RabbitEvent,
    frame::{Frame, Malformed},
    state::{Agreed, News, Side, State, Waiting},
};

/// What the transports on one pair of connections share with the thread that drives the two.
pub(crate) struct Shared {
    pub(crate) driven: Driven<State>,
    pub(crate) connection: Connection,
    pub(crate) announcer: Announcer<RabbitEvent>,
    pub(crate) places: Places,
    /// Closed when the thread is to end the connections.
    pub(crate) stopping: Arc<Closing>,
}

impl Shared {
    pub(crate) fn new() -> Self {
        Self {
            driven: Driven::new(State::new()),
            connection: Connection::new(ConnectionState::Disconnected),
            announcer: Announcer::default(),
            places: Places::new(Instant::now()),
            stopping: Arc::default(),
        }
    }

    /// Waits until there is a connection, and the server takes what is published.
    pub(crate) async fn ready(&self) -> Result<(), TransportError> {
        loop {
            self.driven.connected().await?;
            if !self.driven.lock().is_blocked() {
                return Ok(());
            }
            self.driven.until(|state| !state.is_blocked()).await;
        }
    }

    /// Waits until the server has processed what was published before, with a sign from it in any case.
    pub(crate) async fn round_trip(&self) -> Result<(), TransportError> {
        let marks = self.driven.with(State::marks);
        if marks.is_empty() {
            return Err(self.driven.gone());
        }
        self.all(marks).await
    }

    /// Waits until the server has processed what was published before, if anything is under way.
    pub(crate) async fn confirmed(&self) -> Result<(), TransportError> {
        let marks = self.driven.lock().lane_marks();
        self.all(marks).await
    }

    async fn all(&self, marks: Vec<Waiting>) -> Result<(), TransportError> {
        for mark in marks {
            if mark.answer().await.is_none() {
                return Err(self.driven.gone());
            }
        }
        Ok(())
    }

    /// Connections were made. Returns their number.
    pub(crate) fn begin(&self, agreed: &Agreed) -> u64 {
        self.places.forget();
        let mut news = News::default();
        let number = self.driven.with(|state| {
            state.begin(agreed, &mut news);
            state.connection().unwrap_or_default()
        });
        self.tell(news);
        number
    }

    /// The connection was lost.
    pub(crate) fn break_off(&self, why: String) {
        self.driven.break_off(|| {
            self.connection.note(ConnectionState::Disconnected);
            self.announcer.announce(RabbitEvent::Disconnected(why));
        });
    }

    /// There will be no connection any more.
    pub(crate) fn end(&self) {
        self.driven.end(|| {
            self.connection.note(ConnectionState::Disconnected);
            self.announcer.announce(RabbitEvent::Closed);
            self.announcer.close();
        });
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
        let handled = self.driven.with(|state| {
            let mut frames = frames.drain(..);
            frames.try_for_each(|(channel, frame)| state.handle(side, channel, frame, &mut news))
        });
        self.tell(news);
        self.driven.tell_answered();
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
            self.driven.tell_connected();
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
        let set_writer = |state: &mut State, writer: &Waker| state.set_writer(side, writer);
        self.driven.poll_take(cx, |state| state.take(side, empty), set_writer)
    }
}
