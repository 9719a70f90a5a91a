use conduit::transport::Packet;
use futures_lite::{Stream, StreamExt, future};

/// Returns the next packet, which has to be data.
///
/// # Panics
/// Where it is anything else.
pub async fn next(packets: &mut (impl Stream<Item = Packet> + Send + Unpin)) -> Vec<u8> {
    match packets.next().await {
        Some(Packet::Data(data)) => data.into(),
        other => panic!("expected data, got {other:?}"),
    }
}

/// Returns what has arrived already; `None` where nothing waits.
pub async fn arrived(packets: &mut (impl Stream<Item = Packet> + Send + Unpin)) -> Option<Packet> {
    // tokio's channels pretend to be empty to a task that has taken much in one poll.
    future::yield_now().await;
    future::poll_once(packets.next()).await.flatten()
}
