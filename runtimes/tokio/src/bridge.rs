//! Converts readers and writers between tokio's I/O traits and those that Conduit uses.

use futures_io::{AsyncRead, AsyncWrite};
use tokio_util::compat::{
    FuturesAsyncReadCompatExt, FuturesAsyncWriteCompatExt, TokioAsyncReadCompatExt,
};

/// Converts a tokio reader, such as a `tokio::fs::File`, into one for a Conduit body.
///
/// Nothing is buffered. The result is `Send` and `Unpin` if the reader is.
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

/// Converts a Conduit reader, such as a message, into one for tokio's I/O functions.
///
/// Nothing is buffered. The result is `Send` and `Unpin` if the reader is.
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

/// Converts a Conduit writer, such as a [`BodyWriter`](conduit::BodyWriter), into one for tokio's
/// I/O functions.
///
/// Nothing is buffered. `shutdown` closes the writer, which finishes a body; dropping the writer
/// before that fails the body. The result is `Send` and `Unpin` if the writer is.
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
