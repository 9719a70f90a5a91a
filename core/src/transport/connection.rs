use std::{fmt, sync::Arc, time::Instant};

use crate::changes::{Changes, ChangesReader};

/// Whether a transport is connected to its broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ConnectionState {
    /// There is a connection, or the transport needs none.
    Connected,
    /// There is no connection, and none is known to have been tried since.
    Disconnected,
    /// There is no connection, and attempts to connect again have failed. The transport goes on
    /// with them.
    Reconnecting,
    /// There is a connection, and the broker takes nothing that is published for now, for example since
    /// it is short of memory. What was published before still arrives.
    Blocked,
    /// The transport cannot tell.
    Unknown,
}

/// The state of a conduit's connection to its broker, from
/// [`Conduit::connection`](crate::Conduit::connection).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConnectionStatus {
    /// Whether it is connected.
    pub state: ConnectionState,
    /// Since when there is a connection, or none, on the clock of the conduit's runtime. The change
    /// from `Disconnected` to `Reconnecting`, and those between `Connected` and `Blocked`, leave it as
    /// it is.
    pub since: Instant,
}

/// The state of a connection, which a transport notes, and its conduit reads. Clones are the same
/// connection.
///
/// ```
/// use conduit::transport::{Connection, ConnectionState};
///
/// let connection = Connection::new(ConnectionState::Connected);
/// connection.note(ConnectionState::Disconnected);
/// assert_eq!(connection.state(), ConnectionState::Disconnected);
/// ```
#[derive(Clone)]
pub struct Connection(Arc<Changes<ConnectionState>>);

impl Connection {
    /// Creates a connection in a state.
    #[must_use]
    pub fn new(state: ConnectionState) -> Self {
        Self(Arc::new(Changes::new(state)))
    }

    /// Returns the state.
    #[must_use]
    pub fn state(&self) -> ConnectionState {
        self.0.latest()
    }

    /// Notes the state. Noting the same again has no effect.
    pub fn note(&self, state: ConnectionState) {
        self.0.note(state, |latest| *latest == state);
    }

    pub(crate) fn reader(&self) -> ChangesReader<ConnectionState> {
        self.0.reader()
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Connection").field(&self.state()).finish()
    }
}
