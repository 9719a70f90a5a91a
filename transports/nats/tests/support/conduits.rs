//! Conduits over a NATS server.

use std::time::Duration;

use conduit::{Builder, CodecError, Conduit, Decode, Encode, Encoder, Runtime, Stats};
use conduit_nats::{ConnectError, Nats};

use super::Server;

/// Sends text and nothing else.
pub struct Text;

impl Encoder for Text {
    fn content_type(&self) -> &'static str {
        "text/plain"
    }
}

impl Encode<str> for Text {
    fn encode(&self, value: &str, into: &mut Vec<u8>) -> Result<(), CodecError> {
        into.extend_from_slice(value.as_bytes());
        Ok(())
    }
}

impl Encode<String> for Text {
    fn encode(&self, value: &String, into: &mut Vec<u8>) -> Result<(), CodecError> {
        self.encode(value.as_str(), into)
    }
}

impl Decode<String> for Text {
    fn decode(&self, bytes: &[u8]) -> Result<String, CodecError> {
        Ok(String::from_utf8(bytes.to_vec())?)
    }
}

/// However slow this machine is, nobody joins too late: the sender says how many it expects.
pub const PATIENT: Duration = Duration::from_secs(60);

/// Runs test functions, `async fn(impl Runtime + Clone) -> Outcome`, under every runtime, with its
/// adapter.
macro_rules! with_every_runtime {
    ($($test:ident),+ $(,)?) => {
        with_every_runtime!(@ tokio_multi_thread, conduit_tokio::Tokio, $($test)+);
        with_every_runtime!(@ tokio_current_thread, conduit_tokio::Tokio, $($test)+);
        with_every_runtime!(@ smol, conduit_smol::Smol, $($test)+);
        with_every_runtime!(@ async_std, conduit_async_std::AsyncStd, $($test)+);
    };
    (@ $runtime:ident, $adapter:expr, $($test:ident)+) => {
        mod $runtime {
            $(#[test]
            fn $test() -> crate::support::Outcome {
                crate::support::$runtime(super::$test($adapter))
            })+
        }
    };
}
pub(crate) use with_every_runtime;

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

/// Starts something in a task, whose result can be awaited.
pub fn run<R: Runtime, F>(
    runtime: &R,
    task: F,
) -> impl Future<Output = F::Output> + Send + use<R, F>
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    let (sender, receiver) = async_channel::bounded(1);
    runtime.spawn(Box::pin(async move {
        sender.send(task.await).await.ok();
    }));
    async move { receiver.recv().await.expect("the task does not panic") }
}

/// Waits until each conduit holds again what it held before.
pub async fn released(before: &[(&Conduit<Text>, Stats)]) {
    for (conduit, before) in before {
        while held(conduit.stats()) != held(*before) {
            smol::Timer::after(Duration::from_millis(5)).await;
        }
    }
}

fn held(mut stats: Stats) -> Stats {
    stats.lost_messages = 0;
    stats.invalid_packets = 0;
    stats.missed_messages = 0;
    stats.outbox_dropped = 0;
    stats.waited_for_credit = Duration::ZERO;
    stats
}
