use std::{
    collections::hash_map::RandomState,
    hash::BuildHasher,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_compat::Compat;
use async_nats::{Client, connection::State};
use bytes::Bytes;
use conduit::transport::{Connection, ConnectionState, TransportError, TransportErrorKind};
use conduit_kit::Closing;
use futures_lite::StreamExt;

use crate::{
    is_notice,
    monitor::Monitor,
    subject::{self, Root},
    unwritten::Unwritten,
    violation::Violation,
};

/// How long a mark may be away before we ask whether the connection it went out on still stands.
/// On a working one it is back in a fraction of a millisecond, so this timer hardly ever fires.
const LOOK_AFTER: Duration = Duration::from_millis(100);

const NO_ECHO: &str = "the NATS client was made with no_echo: what a service sends to itself, and \
    what is sent to it through the same client, would not arrive";

/// What a transport and its subscriptions share: the client, and what async-nats does not offer.
pub(crate) struct Link {
    pub(crate) client: Client,
    pub(crate) unwritten: Unwritten,
    pub(crate) root: Root,
    pub(crate) connection: Connection,
    pub(crate) closing: Closing,
    /// `None` on a client that the user handed in: it tells nobody of its events.
    pub(crate) monitor: Option<Arc<Monitor>>,
    /// One clone for each open transport on a connection that is ours to end; `None` on a client
    /// that the user handed in.
    lease: Mutex<Option<Arc<()>>>,
    marks: OnceLock<String>,
    /// What makes marks unpredictable, so that no peer can answer a flush.
    secret: RandomState,
    flushes: AtomicU64,
    /// Held by whoever waits for the connection, so that a thousand publishers put one command
    /// into the client's queue and not a thousand.
    turn: tokio::sync::Mutex<()>,
}

impl Link {
    pub(crate) fn new(
        client: Client,
        unwritten: Unwritten,
        root: Root,
        monitor: Option<Arc<Monitor>>,
        lease: Option<Arc<()>>,
    ) -> Self {
        let unknown = || Connection::new(ConnectionState::Unknown);
        let known = monitor.as_ref().map(|monitor| monitor.connection.clone());
        Self {
            connection: known.unwrap_or_else(unknown),
            client,
            unwritten,
            root,
            closing: Closing::default(),
            monitor,
            lease: Mutex::new(lease),
            marks: OnceLock::new(),
            secret: RandomState::new(),
            flushes: AtomicU64::new(0),
            turn: tokio::sync::Mutex::new(()),
        }
    }

    pub(crate) fn lease(&self) -> Option<Arc<()>> {
        self.lease.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Gives the lease back, and says whether it was the last on a connection of ours.
    pub(crate) fn release(&self) -> bool {
        let lease = self.lease.lock().unwrap_or_else(PoisonError::into_inner).take();
        lease.and_then(Arc::into_inner).is_some()
    }

    /// Tells under which subject this instance sends marks to itself.
    pub(crate) fn set_marks(&self, marks: String) {
        // A second inbox on one transport changes nothing: any subject of ours will do.
        let _ = self.marks.set(marks);
    }

    pub(crate) fn has_marks(&self) -> bool {
        self.marks.get().is_some()
    }

    pub(crate) fn is_connected(&self) -> bool {
        self.client.connection_state() == State::Connected
    }

    /// Waits until there is a connection.
    ///
    /// async-nats tells a finished client of no events, but it works on its queue of commands only
    /// while it is connected: a flush that is queued meanwhile ends when the connection is back.
    pub(crate) async fn connected(&self) -> Result<(), TransportError> {
        if self.is_connected() {
            return Ok(());
        }
        let _turn = self.turn.lock().await;
        while !self.is_connected() {
            self.client.flush().await.map_err(ended)?;
        }
        Ok(())
    }

    /// Sends a mark through the broker to ourselves. When it is back, the broker has processed all
    /// that this client sent before, and the client has all that was routed to it before: both ways
    /// keep their order. (`Client::flush` only waits for the socket.)
    ///
    /// Returns the mark.
    pub(crate) async fn round_trip(&self) -> Result<String, TransportError> {
        let connection = self.connection().ok_or(TransportErrorKind::Disconnected)?;
        let violations = self.violations_so_far();
        Compat::new(async {
            let mark = self.next_mark();
            let subscribed = self.client.subscribe(mark.clone()).await;
            let mut marks = subscribed.map_err(ended)?;
            // A connection that doesn't hear itself gets the server's word that nobody does.
            let giving = self.unwritten.giving();
            let sent = self.client.publish_with_reply(mark.clone(), mark.clone(), Bytes::new());
            sent.await.map_err(ended)?;
            giving.done();
            loop {
                let back = tokio::time::timeout(LOOK_AFTER, marks.next()).await;
                if self.connection() != Some(connection) {
                    return Err(TransportErrorKind::Disconnected.into());
                }
                match back {
                    Ok(None) => return Err(TransportErrorKind::Closed.into()),
                    Ok(Some(mark)) if is_notice(&mark) => return Err(unusable(NO_ECHO)),
                    Ok(Some(_)) => return Ok(mark),
                    Err(_elapsed) => {
                        self.check(violations, &Violation::Subscribe(mark.clone()))?;
                        self.check(violations, &Violation::Publish(mark.clone()))?;
                    }
                }
            }
        })
        .await
    }

    pub(crate) fn violations_so_far(&self) -> u64 {
        self.monitor.as_ref().map_or(0, |monitor| monitor.violations_so_far())
    }

    /// # Errors
    /// `Denied` where the server has reported this violation, since there were so many.
    pub(crate) fn check(&self, before: u64, violation: &Violation) -> Result<(), TransportError> {
        let violated = self.monitor.as_ref().and_then(|m| m.violated_since(before, violation));
        match violated {
            Some(violated) => Err(TransportError::new(TransportErrorKind::Denied, violated)),
            None => Ok(()),
        }
    }

    /// Which connection this is, counted from the first; `None` where there is none.
    fn connection(&self) -> Option<u64> {
        self.is_connected().then(|| self.client.statistics().connects.load(Ordering::Relaxed))
    }

    fn next_mark(&self) -> String {
        let mark = self.secret.hash_one(self.flushes.fetch_add(1, Ordering::Relaxed));
        match self.marks.get() {
            Some(marks) => subject::mark(marks, mark),
            // Nobody has subscribed to an inbox yet, so we have no subject of our own.
            None => self.client.new_inbox(),
        }
    }
}

/// What makes a client unusable.
pub(crate) fn unusable(why: &'static str) -> TransportError {
    TransportError::new(TransportErrorKind::Other, why)
}

/// async-nats refuses commands only when its connection has ended for good: it was given up, the
/// client was drained, or the runtime that it ran in is gone.
pub(crate) fn ended(cause: impl std::error::Error + Send + Sync + 'static) -> TransportError {
    TransportError::new(TransportErrorKind::Closed, cause)
}
