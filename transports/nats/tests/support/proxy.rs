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

use super::Server;

/// Carries the connections that are made to it on to a server, each at a rate, until it is dropped.
pub struct Proxy {
    at: SocketAddr,
    _accepting: smol::Task<io::Result<()>>,
}

impl Proxy {
    /// Starts one that passes on so many bytes a second in each direction.
    pub async fn start(server: &Server, rate: u32) -> io::Result<Self> {
        let server: SocketAddr = {
            let url = server.url();
            let at = url.rsplit(['/', '@']).next().unwrap_or_default();
            at.parse().map_err(io::Error::other)?
        };
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let at = listener.local_addr()?;
        let accepting = smol::spawn(async move {
            loop {
                let (client, _) = listener.accept().await?;
                let server = TcpStream::connect(server).await?;
                smol::spawn(carry(client.clone(), server.clone(), rate)).detach();
                smol::spawn(carry(server, client, rate)).detach();
            }
        });
        Ok(Self { at, _accepting: accepting })
    }

    pub fn url(&self) -> String {
        format!("nats://{}", self.at)
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
