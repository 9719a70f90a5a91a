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
use conduit::transport::{TransportError, TransportErrorKind};
use futures_lite::StreamExt;

use crate::closing::Closing;

/// How long a mark may be away before we ask whether the connection it went out on still stands.
/// On a working one it is back in a fraction of a millisecond, so this timer hardly ever fires.
const LOOK_AFTER: Duration = Duration::from_millis(100);

/// What a transport and its subscriptions share: the client, and what async-nats does not offer.
pub(crate) struct Link {
    pub(crate) client: Client,
    pub(crate) closing: Closing,
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
    pub(crate) fn new(client: Client, lease: Option<Arc<()>>) -> Self {
        Self {
            client,
            closing: Closing::default(),
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
            self.client.flush().await.map_err(disconnected)?;
        }
        Ok(())
    }

    /// Sends a mark through the broker to ourselves. When it is back, the broker has processed all
    /// that this client sent before, and the client has all that was routed to it before: both ways
    /// keep their order. (`Client::flush` only waits for the socket.)
    pub(crate) async fn round_trip(&self) -> Result<(), TransportError> {
        let connection = self.connection().ok_or(TransportErrorKind::Disconnected)?;
        Compat::new(async {
            let mark = self.next_mark();
            let subscribed = self.client.subscribe(mark.clone()).await;
            let mut marks = subscribed.map_err(disconnected)?;
            self.client.publish(mark, Bytes::new()).await.map_err(disconnected)?;
            loop {
                let back = tokio::time::timeout(LOOK_AFTER, marks.next()).await;
                if self.connection() != Some(connection) || matches!(back, Ok(None)) {
                    return Err(TransportErrorKind::Disconnected.into());
                }
                if back.is_ok() {
                    return Ok(());
                }
            }
        })
        .await
    }

    /// Which connection this is, counted from the first; `None` where there is none.
    fn connection(&self) -> Option<u64> {
        self.is_connected().then(|| self.client.statistics().connects.load(Ordering::Relaxed))
    }

    fn next_mark(&self) -> String {
        let mark = self.secret.hash_one(self.flushes.fetch_add(1, Ordering::Relaxed));
        match self.marks.get() {
            Some(prefix) => format!("{prefix}.{mark:016x}"),
            // Nobody has subscribed to an inbox yet, so we have no subject of our own.
            None => self.client.new_inbox(),
        }
    }
}

/// async-nats refuses commands only when its connection has ended for good.
pub(crate) fn disconnected(
    source: impl std::error::Error + Send + Sync + 'static,
) -> TransportError {
    TransportError::new(TransportErrorKind::Disconnected, source)
}
