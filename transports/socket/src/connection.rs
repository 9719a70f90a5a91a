//! What drives a connection does whatever it speaks.

use std::{
    error::Error,
    future::{Future, poll_fn},
    io,
    task::{Context, Poll},
};

use async_io::Timer;
use conduit_kit::pause_before;
use futures_io::AsyncWrite;
use futures_lite::AsyncWriteExt;

/// A buffer for writing that grew larger is given back.
const KEPT: usize = 1 << 20;

/// Connects until that succeeds, with pauses between the attempts. Says why each has failed.
pub async fn connect_again<T, E: Error, F: Future<Output = Result<T, E>>>(
    mut connect: impl FnMut() -> F,
    mut failed: impl FnMut(String),
) -> T {
    let mut attempt = 0;
    loop {
        attempt += 1;
        Timer::after(pause_before(attempt)).await;
        match connect().await {
            Ok(connected) => return connected,
            Err(error) => failed(match error.source() {
                Some(cause) => format!("{error}: {cause}"),
                None => error.to_string(),
            }),
        }
    }
}

/// Writes what there is to write, with the number of packets in it, whenever there is something. `take`
/// takes it in exchange for an empty buffer. Returns why no more can be written.
pub async fn write_packets(
    writer: &mut (impl AsyncWrite + Unpin),
    mut take: impl FnMut(&mut Vec<u8>, &mut Context<'_>) -> Poll<(Vec<u8>, u64)>,
    mut wrote: impl FnMut(u64),
) -> io::Error {
    let mut spare = Vec::new();
    loop {
        let (mut bytes, packets) = poll_fn(|cx| take(&mut spare, cx)).await;
        let written = async {
            writer.write_all(&bytes).await?;
            writer.flush().await
        };
        if let Err(error) = written.await {
            return error;
        }
        wrote(packets);
        bytes.clear();
        if bytes.capacity() <= KEPT {
            spare = bytes;
        }
    }
}
