use std::time::Duration;

use conduit::{CodecError, Conduit, Decode, Encode, Encoder, Runtime, Stats};

/// Sends text and nothing else.
#[derive(Debug, Clone, Copy)]
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
