//! Readers and writers between tokio's I/O traits and the ones that Conduit uses.

use futures_io::{AsyncRead, AsyncWrite};
use tokio_util::compat::{
    FuturesAsyncReadCompatExt, FuturesAsyncWriteCompatExt, TokioAsyncReadCompatExt,
};

/// Makes a tokio reader, such as a `tokio::fs::File`, one that a Conduit body takes.
///
/// Nothing is buffered. The result is `Send` and `Unpin` where the reader is.
///
/// ```
/// use conduit_tokio::from_tokio;
/// use futures_lite::AsyncReadExt;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let mut reader = from_tokio(tokio::io::AsyncReadExt::take(tokio::io::repeat(b'x'), 3));
/// let mut text = String::new();
/// reader.read_to_string(&mut text).await?;
/// assert_eq!(text, "xxx");
/// # Ok(())
/// # }
/// ```
pub fn from_tokio<R: tokio::io::AsyncRead>(reader: R) -> impl AsyncRead {
    reader.compat()
}

/// Makes a Conduit reader, such as a message, one that tokio's I/O functions take.
///
/// Nothing is buffered. The result is `Send` and `Unpin` where the reader is.
///
/// ```
/// use conduit_tokio::into_tokio;
/// use futures_lite::io::Cursor;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let mut file = Vec::new();
/// tokio::io::copy(&mut into_tokio(Cursor::new("a body")), &mut file).await?;
/// assert_eq!(file, b"a body");
/// # Ok(())
/// # }
/// ```
pub fn into_tokio<R: AsyncRead>(reader: R) -> impl tokio::io::AsyncRead {
    reader.compat()
}

/// Makes a Conduit writer, such as a [`BodyWriter`](conduit::BodyWriter), one that tokio's I/O
/// functions take.
///
/// Nothing is buffered. `shutdown` closes the writer, which ends a body as it should be; one that is
/// dropped before fails it. The result is `Send` and `Unpin` where the writer is.
///
/// ```
/// use conduit::Body;
/// use conduit_tokio::writer_into_tokio;
/// use tokio::io::AsyncWriteExt;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let (writer, body) = Body::writer();
/// let producer = tokio::spawn(async move {
///     let mut writer = writer_into_tokio(writer);
///     tokio::io::copy(&mut "a report".as_bytes(), &mut writer).await?;
///     writer.shutdown().await
/// });
/// // service.send_body("daily", body).await?;
/// # drop(body);
/// # producer.await?.unwrap_err();
/// # Ok(())
/// # }
/// ```
pub fn writer_into_tokio<W: AsyncWrite>(writer: W) -> impl tokio::io::AsyncWrite {
    writer.compat_write()
}
