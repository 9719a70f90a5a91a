//! As much of an HTTP client as the tests need: one request a connection.

use std::error::Error;

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
};

type Failed = Box<dyn Error + Send + Sync>;

/// An answer, of which the head has arrived.
pub struct Answer {
    pub status: u16,
    pub length: Option<u64>,
    connection: BufReader<TcpStream>,
}

/// Sends a request without a body, and returns its status and the body of the answer.
pub async fn get(address: &str, path: &str) -> Result<(u16, String), Failed> {
    let answer = open(address, "GET", path, "", b"").await?.answered().await?;
    let (status, body) = (answer.status, answer.body().await?);
    Ok((status, String::from_utf8(body)?))
}

/// Sends a request with a body, and returns its status and the body of the answer.
pub async fn put(address: &str, path: &str, body: &[u8]) -> Result<(u16, String), Failed> {
    let length = format!("Content-Length: {}\r\n", body.len());
    let answer = open(address, "PUT", path, &length, body).await?.answered().await?;
    let (status, body) = (answer.status, answer.body().await?);
    Ok((status, String::from_utf8(body)?))
}

/// Begins a request. Dropping it closes the connection.
pub struct Begun(TcpStream);

/// Sends the head of a request, and the bytes that follow it.
pub async fn open(
    address: &str,
    method: &str,
    path: &str,
    headers: &str,
    bytes: &[u8],
) -> Result<Begun, Failed> {
    let mut connection = TcpStream::connect(address).await?;
    let head =
        format!("{method} {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n{headers}\r\n");
    connection.write_all(head.as_bytes()).await?;
    // Who has refused it already may not read the rest.
    let _ = connection.write_all(bytes).await;
    Ok(Begun(connection))
}

impl Begun {
    /// Waits for the head of the answer.
    pub async fn answered(self) -> Result<Answer, Failed> {
        let mut connection = BufReader::new(self.0);
        let (mut status, mut length) = (None, None);
        loop {
            let mut line = String::new();
            connection.read_line(&mut line).await?;
            let line = line.trim_end();
            if status.is_none() {
                status = Some(line.split(' ').nth(1).ok_or("no status")?.parse()?);
            } else if line.is_empty() {
                break;
            } else if let Some((name, value)) = line.split_once(": ")
                && name.eq_ignore_ascii_case("content-length")
            {
                length = Some(value.parse()?);
            }
        }
        Ok(Answer { status: status.unwrap_or_default(), length, connection })
    }
}

impl Answer {
    /// Reads the body to its end. A body that is cut is an error.
    pub async fn body(mut self) -> Result<Vec<u8>, Failed> {
        let mut body = Vec::new();
        if let Some(length) = self.length {
            body.resize(usize::try_from(length)?, 0);
            self.connection.read_exact(&mut body).await?;
            return Ok(body);
        }
        loop {
            let mut line = String::new();
            self.connection.read_line(&mut line).await?;
            let count = usize::from_str_radix(line.trim_end(), 16)?;
            let begin = body.len();
            body.resize(begin + count + 2, 0);
            self.connection.read_exact(&mut body[begin..]).await?;
            body.truncate(begin + count);
            if count == 0 {
                return Ok(body);
            }
        }
    }
}
