//! Readers and writers that cross between tokio and Conduit.

use conduit::Body;
use conduit_tokio::{from_tokio, into_tokio, writer_into_tokio};
use futures_lite::{AsyncReadExt as _, io::Cursor};
use std::{
    io::{self, ErrorKind},
    pin::Pin,
    task::{Context, Poll},
};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _, ReadBuf};

/// Gives one byte at a time, then fails.
struct Broken(&'static [u8]);

impl AsyncRead for Broken {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Some((first, rest)) = self.0.split_first() else {
            return Poll::Ready(Err(ErrorKind::ConnectionReset.into()));
        };
        into.put_slice(&[*first]);
        self.0 = rest;
        Poll::Ready(Ok(()))
    }
}

#[tokio::test]
async fn a_round_trip_keeps_every_byte() -> io::Result<()> {
    let sent: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    let mut there_and_back = from_tokio(into_tokio(Cursor::new(sent.clone())));
    let mut received = Vec::new();
    there_and_back.read_to_end(&mut received).await?;
    assert!(received == sent, "{} bytes became {}", sent.len(), received.len());
    Ok(())
}

#[tokio::test]
async fn a_failure_comes_after_what_was_read() {
    let mut received = Vec::new();
    let result = from_tokio(Broken(b"abc")).read_to_end(&mut received).await;
    assert_eq!(result.map_err(|error| error.kind()), Err(ErrorKind::ConnectionReset));
    assert_eq!(received, b"abc");
}

#[tokio::test]
async fn tokio_reads_what_conduit_gives() -> io::Result<()> {
    let mut text = String::new();
    into_tokio(Cursor::new("a body")).read_to_string(&mut text).await?;
    assert_eq!(text, "a body");
    Ok(())
}

#[test]
fn a_bridged_reader_can_be_a_body() {
    fn body<R: Send + Unpin + 'static>(_: R) {}
    body(from_tokio(tokio::io::empty()));
    body(into_tokio(Cursor::new(Vec::new())));
}

#[tokio::test]
async fn a_bridged_writer_takes_every_byte_and_is_closed_by_shutdown() -> io::Result<()> {
    let sent: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    let mut writer = writer_into_tokio(Cursor::new(Vec::new()));
    writer.write_all(&sent).await?;
    writer.shutdown().await?;
    let (writer, body) = Body::writer();
    drop(body);
    let refused = writer_into_tokio(writer).write_all(&sent).await;
    assert_eq!(refused.map_err(|error| error.kind()), Err(ErrorKind::BrokenPipe));
    Ok(())
}
