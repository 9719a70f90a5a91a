//! Conduits on one broker in memory and one virtual clock.

use std::{future::Future, io, time::Duration};

use bytes::Bytes;
use conduit::{Body, Builder, Conduit, Error, Runtime as _};
use conduit_json::Json;
use conduit_memory::Memory;
use futures_lite::{AsyncRead, AsyncReadExt, StreamExt, stream};

use super::sim::Sim;

pub(crate) type TestResult<T = ()> = Result<T, Box<dyn std::error::Error + Send + Sync>>;
pub(crate) type Node = Conduit<Json>;

/// A broker, and the runtime of everything that is connected to it.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) sim: Sim,
    pub(crate) broker: Memory,
}

impl World {
    /// Runs a test in a world of its own.
    pub(crate) fn run<T, F: Future<Output = T>>(test: impl FnOnce(Self) -> F) -> T {
        Sim::run(|sim| test(Self { sim, broker: Memory::new() }))
    }

    pub(crate) fn builder(&self, service: &str) -> Builder<Sim, Memory, Json> {
        Conduit::builder(service)
            .runtime(self.sim.clone())
            .transport(self.broker.clone())
            .encoder(Json)
    }

    pub(crate) fn node(&self, service: &str) -> Result<Node, Error> {
        self.builder(service).build()
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.sim.elapsed()
    }
}

impl Sim {
    /// Runs a future of a test beside it. What it yields comes from the receiver.
    pub(crate) fn go<T: Send + 'static>(
        &self,
        future: impl Future<Output = T> + Send + 'static,
    ) -> async_channel::Receiver<T> {
        let (sender, receiver) = async_channel::bounded(1);
        self.spawn(Box::pin(async move {
            sender.try_send(future.await).ok();
        }));
        receiver
    }
}

/// Bytes that tell their place.
pub(crate) fn pattern(length: usize) -> Vec<u8> {
    (0..=250_u8).cycle().step_by(31).take(length).collect()
}

/// A body that gives some bytes, and then neither more nor an end.
pub(crate) fn endless(first: &'static [u8]) -> Body {
    let first = stream::once(io::Result::Ok(Bytes::from_static(first)));
    Body::stream(first.chain(stream::pending()))
}

pub(crate) const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(crate) const fn millis(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// So many bytes of a reader. Here, since a message has a `bytes` of its own.
pub(crate) async fn read_exact(
    reader: &mut (impl AsyncRead + Unpin),
    length: usize,
) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    reader.read_exact(&mut bytes).await?;
    Ok(bytes)
}

/// Everything that a reader has left.
pub(crate) async fn read_to_end(reader: &mut (impl AsyncRead + Unpin)) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reader.read_to_end(&mut bytes).await?;
    Ok(bytes)
}
