//! The connection of the transport, as the conduit has seen it.

use std::{
    future::poll_fn,
    sync::{Arc, Mutex},
};

use futures_lite::future;

use super::ground::Ground;
use crate::{
    changes::{Changes, ChangesReader},
    lock::lock,
    transport::{Connection, ConnectionState, ConnectionStatus},
};

pub(crate) struct WatchedConnection {
    /// What the transport notes, until a task watches it; `None` if it has no connection to lose.
    source: Mutex<Option<ChangesReader<ConnectionState>>>,
    changes: Arc<Changes<ConnectionStatus>>,
}

impl WatchedConnection {
    pub(super) fn new(ground: &Ground) -> Self {
        let connection = ground.transport.connection();
        let state = connection.as_ref().map_or(ConnectionState::Connected, Connection::state);
        let first = ConnectionStatus { state, since: ground.now() };
        Self {
            source: Mutex::new(connection.map(|connection| connection.reader())),
            changes: Arc::new(Changes::new(first)),
        }
    }

    pub(crate) fn latest(&self) -> ConnectionStatus {
        self.changes.latest()
    }

    pub(crate) fn reader(&self) -> ChangesReader<ConnectionStatus> {
        self.changes.reader()
    }

    /// Watches the connection, on the clock of the conduit.
    pub(super) async fn watch(&self, ground: &Ground) {
        let source = lock(&self.source).take();
        if let Some(mut source) = source {
            while let Some(state) = poll_fn(|cx| source.poll_next(cx)).await {
                let before = self.latest();
                let since = match (before.state, state) {
                    (ConnectionState::Disconnected, ConnectionState::Reconnecting)
                    | (ConnectionState::Connected, ConnectionState::Blocked)
                    | (ConnectionState::Blocked, ConnectionState::Connected) => before.since,
                    _ => ground.now(),
                };
                self.changes.note(ConnectionStatus { state, since }, |its| its.state == state);
            }
        }
        future::pending::<()>().await;
    }

    /// Ends the readers of the changes.
    pub(super) fn end(&self) {
        self.changes.close();
    }
}
