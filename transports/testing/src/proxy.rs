//! A slow link to a server.

use std::{
    io,
    net::SocketAddr,
    time::{Duration, Instant},
};

use smol::{
    Timer,
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// Carries the connections that are made to it on to a server, each at a rate, until it is dropped.
#[derive(Debug)]
pub struct Proxy {
    url: String,
    _accepting: smol::Task<io::Result<()>>,
}

impl Proxy {
    /// Starts a proxy that passes on `rate` bytes a second in each direction of a connection.
    ///
    /// # Errors
    /// The URL has no address with a port, or no port is free.
    pub async fn start(server_url: &str, rate: u32) -> io::Result<Self> {
        let (scheme, rest) = server_url.split_once("://").unwrap_or_default();
        let at = rest.rsplit('@').next().unwrap_or_default();
        let server: SocketAddr = at.parse().map_err(io::Error::other)?;
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let url = format!("{scheme}://{}", listener.local_addr()?);
        let accepting = smol::spawn(async move {
            loop {
                let (client, _) = listener.accept().await?;
                let server = TcpStream::connect(server).await?;
                smol::spawn(carry(client.clone(), server.clone(), rate)).detach();
                smol::spawn(carry(server, client, rate)).detach();
            }
        });
        Ok(Self { url, _accepting: accepting })
    }

    /// Returns its URL, which has the scheme of the server's.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }
}

async fn carry(mut from: TcpStream, mut to: TcpStream, rate: u32) -> io::Result<()> {
    let (mut buffer, mut free_at) = (vec![0; 8 << 10], Instant::now());
    loop {
        let length = from.read(&mut buffer).await?;
        if length == 0 {
            return to.close().await;
        }
        free_at = free_at.max(Instant::now()) + Duration::from_secs(length as u64) / rate;
        Timer::at(free_at).await;
        to.write_all(&buffer[..length]).await?;
    }
}
