use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, AtomicUsize},
    },
    task::{Context, Poll, Waker},
    time::Instant,
};

use async_channel::{Receiver, Sender};
use conduit::transport::{Connection, ConnectionState, TransportError, TransportErrorKind};
use conduit_kit::{Announcer, Closing, Driven, Places};

use crate::{
    RedisEvent,
    reply::{Malformed, Reply},
    servers::Servers,
    slots::Range,
    state::{News, NodeId, Notice, State, Ticket},
};

/// Why a connection counts as lost that is there.
const MOVED: &str = "slots have moved to another server, or to none";

/// What the transports on one connection share with the threads that drive it: one, or one for each
/// server of a cluster that is used.
pub(crate) struct Shared {
    pub(crate) servers: Servers,
    pub(crate) driven: Driven<State>,
    pub(crate) connection: Connection,
    pub(crate) announcer: Announcer<RedisEvent>,
    pub(crate) places: Places,
    /// How many conduits share the connection.
    pub(crate) conduits: AtomicU64,
    /// Closed when the threads are to end the connections.
    pub(crate) stopping: Arc<Closing>,
    ended: Closing,
    /// Held while it is noted whether a connection is missing.
    noting: Mutex<()>,
    /// Has something while it is to be asked who has which slots of a cluster.
    pub(crate) doubts: (Sender<()>, Receiver<()>),
    /// How often that was asked.
    pub(crate) asked: AtomicUsize,
}

impl Shared {
    pub(crate) fn new(servers: Servers) -> Self {
        Self {
            servers,
            driven: Driven::new(State::default()),
            connection: Connection::new(ConnectionState::Disconnected),
            announcer: Announcer::default(),
            places: Places::new(Instant::now()),
            conduits: AtomicU64::new(0),
            stopping: Arc::default(),
            ended: Closing::default(),
            noting: Mutex::default(),
            doubts: async_channel::bounded(1),
            asked: AtomicUsize::new(0),
        }
    }

    /// Waits until a packet with a notice may find room. The caller looks again afterwards.
    pub(crate) async fn room(&self, slot: u16, notice: Option<&Notice>) {
        self.driven.until(|state| state.has_room(slot, notice)).await;
    }

    /// Waits for the servers' sign that comes behind all that they have done for us before, or for that
    /// of the server of a subscription.
    pub(crate) async fn round_trip(&self, of: Option<&Ticket>) -> Result<(), TransportError> {
        let marks = self.driven.with(|state| state.mark(of));
        if marks.is_empty() {
            return Err(self.driven.gone());
        }
        for mark in marks {
            match mark.answer().await {
                Some(Ok(())) => {}
                Some(Err(error)) => {
                    return Err(TransportError::new(TransportErrorKind::Other, error));
                }
                None => return Err(self.driven.gone()),
            }
        }
        Ok(())
    }

    /// A connection was made. Returns its number; `None` if it is not wanted any more.
    pub(crate) fn begin(&self, node: NodeId) -> Option<u64> {
        self.places.forget();
        let number = self.driven.with(|state| state.begin(node));
        self.note(None);
        self.driven.tell_connected();
        number
    }

    /// A connection was lost.
    pub(crate) fn break_off(&self, node: NodeId, why: String) {
        if let Some(wakers) = self.driven.with(|state| state.break_off(node)) {
            self.note(Some(why));
            self.changed(wakers);
            self.ask_if_stale();
        }
    }

    /// It is known anew which server of a cluster has which slots.
    pub(crate) fn place(&self, ranges: Vec<Range>) {
        let (wakers, is_whole) = self.driven.with(|state| (state.place(ranges), state.is_whole()));
        let was_whole = self.connection.state() == ConnectionState::Connected;
        self.note((was_whole && !is_whole).then(|| MOVED.to_owned()));
        self.changed(wakers);
        self.driven.tell_connected();
    }

    /// There will be no connection any more.
    pub(crate) fn end(&self) {
        if !self.ended.close() {
            return;
        }
        self.driven.end(|| {
            self.connection.note(ConnectionState::Disconnected);
            self.announcer.announce(RedisEvent::Closed);
            self.announcer.close();
        });
    }

    /// No connection could be made again.
    pub(crate) fn connect_failed(&self, node: NodeId, why: String) {
        let noting = self.noting.lock().unwrap_or_else(PoisonError::into_inner);
        if self.driven.lock().is_known(node) {
            self.connection.note(ConnectionState::Reconnecting);
        }
        drop(noting);
        self.announcer.announce(RedisEvent::ConnectFailed(why));
    }

    /// Notes that a connection is lost, if it is said why, and that none is missing, if that is so.
    fn note(&self, lost: Option<String>) {
        let _one_at_a_time = self.noting.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(why) = lost {
            self.connection.note(ConnectionState::Disconnected);
            self.announcer.announce(RedisEvent::Disconnected(why));
        }
        let is_whole = self.driven.lock().is_whole();
        if is_whole && self.connection.state() != ConnectionState::Connected {
            self.connection.note(ConnectionState::Connected);
            self.announcer.announce(RedisEvent::Connected);
        }
    }

    /// Wakes those who wait for what may not come any more.
    fn changed(&self, wakers: Vec<Waker>) {
        wakers.into_iter().for_each(Waker::wake);
        self.driven.wrote(|_| ());
        self.driven.tell_answered();
    }

    /// Has it asked who has which slots, if that is in doubt.
    pub(crate) fn ask_if_stale(&self) {
        if self.driven.lock().is_stale() {
            let _ = self.doubts.0.try_send(());
        }
    }

    /// Takes what a server has said.
    ///
    /// # Errors
    /// It is not what a server says, or no server to publish to.
    pub(crate) fn handle(&self, node: NodeId, replies: &mut Vec<Reply>) -> Result<(), Malformed> {
        let mut news = News::default();
        let mut stale = false;
        let handled = self.driven.with(|state| {
            let mut replies = replies.drain(..);
            let handled = replies.try_for_each(|reply| state.handle(node, reply, &mut news));
            stale = state.is_stale();
            handled
        });
        let News { wakers, denied, suspects, errors, dropped, moved, lost } = news;
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
        if lost {
            self.note(Some(MOVED.to_owned()));
        }
        if stale {
            let _ = self.doubts.0.try_send(());
        }
        if moved {
            return Err(Malformed::new("it does not take what is published any more"));
        }
        handled
    }

    /// What is to be written to a server, when there is something.
    pub(crate) fn poll_take(
        &self,
        node: NodeId,
        empty: &mut Vec<u8>,
        cx: &mut Context<'_>,
    ) -> Poll<(Vec<u8>, u64)> {
        let take = |state: &mut State| state.take(node, empty);
        self.driven.poll_take(cx, take, |state, writer| state.set_writer(node, writer))
    }
}
