//! Conduits over a server.

use conduit::{Builder, Conduit, Runtime};
use conduit_redis::{ConnectError, Redis};

use super::{Server, Text};

/// A conduit that still needs its limits.
pub type Half<R> = Builder<R, Redis, Text>;

pub fn builder<R: Runtime>(service: &str, runtime: R, redis: Redis) -> Half<R> {
    Conduit::builder(service).runtime(runtime).transport(redis).encoder(Text)
}

/// One with a connection of its own.
pub async fn connected<R: Runtime + Clone>(
    service: &str,
    runtime: &R,
    server: &Server,
) -> Result<Half<R>, ConnectError> {
    Ok(builder(service, runtime.clone(), Redis::connect(server.url()).await?))
}
