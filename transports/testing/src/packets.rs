use conduit::transport::Packet;
use futures_lite::{Stream, StreamExt, future};

use crate::Broker;

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

/// Returns what a flush has brought; where a broker's packets take another connection than its flushes,
/// what comes.
pub async fn brought<B: Broker>(
    packets: &mut (impl Stream<Item = Packet> + Send + Unpin),
) -> Option<Packet> {
    if B::ONE_CONNECTION { arrived(packets).await } else { packets.next().await }
}
