//! What a program that runs a conduit asks it about its health.

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use futures_core::Stream;

use super::Conduit;
use crate::{
    ConduitState, Encoder, Error, Traffic, changes::ChangesReader, driver,
    transport::ConnectionStatus,
};

impl<E: Encoder> Conduit<E> {
    /// Returns how far the conduit is in its life.
    ///
    /// It closes by itself when the runtime of the conduit or of its broker's client has shut down,
    /// or if the connection has ended for good.
    ///
    /// ```
    /// use conduit::{Conduit, ConduitState};
    /// use conduit_json::Json;
    /// use conduit_memory::Memory;
    /// use conduit_smol::Smol;
    ///
    /// # fn main() -> Result<(), conduit::Error> {
    /// # smol::block_on(async {
    /// let conduit = Conduit::new("worker", Smol, Memory::new(), Json)?;
    /// assert_eq!(conduit.state(), ConduitState::Running);
    /// conduit.close().await;
    /// assert_eq!(conduit.state(), ConduitState::Closed);
    /// # Ok(())
    /// # })
    /// # }
    /// ```
    #[must_use]
    pub fn state(&self) -> ConduitState {
        self.handle.shared().state()
    }

    /// Waits until the conduit is closed, whatever has closed it.
    ///
    /// Cancel safe.
    pub async fn closed(&self) {
        self.handle.shared().closed().await;
    }

    /// Waits until the conduit can be used: it has an inbox, and the broker answers. For a check of
    /// readiness, as an orchestrator makes them.
    ///
    /// Cancel safe.
    ///
    /// # Errors
    /// `Disconnected` if there is no answer within the limit, `Closed` once the conduit drains,
    /// `Denied` or `Transport` if it has no inbox for another reason.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use conduit::{Conduit, ErrorKind};
    /// use conduit_json::Json;
    /// use conduit_memory::Memory;
    /// use conduit_smol::Smol;
    ///
    /// # fn main() -> Result<(), conduit::Error> {
    /// # smol::block_on(async {
    /// let broker = Memory::new();
    /// let conduit = Conduit::new("worker", Smol, broker.clone(), Json)?;
    /// conduit.ready(Duration::from_secs(5)).await?;
    ///
    /// broker.stop_broker();
    /// let error = conduit.ready(Duration::from_millis(1)).await.expect_err("it is stopped");
    /// assert_eq!(error.kind(), ErrorKind::Disconnected);
    /// # Ok(())
    /// # })
    /// # }
    /// ```
    pub async fn ready(&self, limit: Duration) -> Result<(), Error> {
        driver::ready(self.handle.shared(), limit).await
    }

    /// Returns how many messages were sent and received, and what became of them, by subject. See
    /// [`stats`](Self::stats) for what the conduit holds.
    #[must_use]
    pub fn traffic(&self) -> Traffic {
        Traffic::of(self.handle.shared())
    }

    /// Returns whether the transport is connected to its broker, and since when. A transport without
    /// a connection is always connected.
    #[must_use]
    pub fn connection(&self) -> ConnectionStatus {
        self.handle.shared().connection.latest()
    }

    /// Returns the states of the connection as a stream: the present one, then each as it changes,
    /// until the conduit is closed. The last 64 are kept for a slow reader.
    ///
    /// The stream does not keep the conduit open.
    ///
    /// ```
    /// use conduit::{Conduit, transport::ConnectionState};
    /// use conduit_json::Json;
    /// use conduit_memory::Memory;
    /// use conduit_smol::Smol;
    /// use futures_lite::StreamExt;
    ///
    /// # fn main() -> Result<(), conduit::Error> {
    /// # smol::block_on(async {
    /// let broker = Memory::new();
    /// let conduit = Conduit::new("worker", Smol, broker.clone(), Json)?;
    /// let mut changes = conduit.connection_changes().map(|status| status.state);
    /// assert_eq!(changes.next().await, Some(ConnectionState::Connected));
    /// broker.stop_broker();
    /// assert_eq!(changes.next().await, Some(ConnectionState::Disconnected));
    /// # Ok(())
    /// # })
    /// # }
    /// ```
    #[must_use]
    pub fn connection_changes(&self) -> ConnectionChanges {
        ConnectionChanges(self.handle.shared().connection.reader())
    }
}

/// The states of a connection as it changes, from [`Conduit::connection_changes`].
pub struct ConnectionChanges(ChangesReader<ConnectionStatus>);

impl Stream for ConnectionChanges {
    type Item = ConnectionStatus;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<ConnectionStatus>> {
        self.0.poll_next(cx)
    }
}

impl fmt::Debug for ConnectionChanges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectionChanges").finish_non_exhaustive()
    }
}
