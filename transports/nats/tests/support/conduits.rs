//! Conduits over a NATS server.

use conduit::{Builder, Conduit, Runtime};
use conduit_nats::{ConnectError, Nats};

use super::{Server, Text};

/// A conduit that still needs its limits.
pub type Half<R> = Builder<R, Nats, Text>;

pub fn builder<R: Runtime>(service: &str, runtime: R, nats: Nats) -> Half<R> {
    Conduit::builder(service).runtime(runtime).transport(nats).encoder(Text)
}

/// One with a connection of its own.
pub async fn connected<R: Runtime + Clone>(
    service: &str,
    runtime: &R,
    server: &Server,
) -> Result<Half<R>, ConnectError> {
    Ok(builder(service, runtime.clone(), Nats::connect(server.url()).await?))
}
