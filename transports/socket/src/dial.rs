use std::{
    io,
    net::{SocketAddr, TcpStream, ToSocketAddrs},
    time::Duration,
};

use async_io::{Async, Timer};
use futures_lite::FutureExt;
use futures_rustls::pki_types::ServerName;

use crate::{Connector, Stream, TlsError, stream::Kind};

/// How long each address of a host is tried, so that a silent address leaves time for the next.
const EACH: Duration = Duration::from_secs(3);

/// Where to connect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// Its name, or its address.
    pub name: String,
    /// The port.
    pub port: u16,
    /// Whether the connection is encrypted.
    pub tls: bool,
}

/// Why a host was not reached.
#[derive(Debug)]
pub enum DialError {
    /// The name is unknown, or nothing listens there.
    Unreachable(io::Error),
    /// TLS could not be set up.
    Tls(TlsError),
}

/// Connects to one of the addresses that a host has. Names are looked up by the system, which blocks the
/// thread.
///
/// # Errors
/// [`DialError`].
pub async fn dial(host: &Host, tls: Option<&Connector>) -> Result<Stream, DialError> {
    let stream = reach(host).await.map_err(DialError::Unreachable)?;
    match tls {
        Some(tls) if host.tls => {
            let name = ServerName::try_from(host.name.clone())
                .map_err(|error| DialError::Tls(error.into()))?;
            let connected = tls.0.connect(name, stream).await;
            let stream = connected.map_err(|error| DialError::Tls(error.into()))?;
            Ok(Stream(Kind::Tls(Box::new(stream.into()))))
        }
        _ => Ok(Stream(Kind::Plain(stream))),
    }
}

async fn reach(host: &Host) -> io::Result<Async<TcpStream>> {
    let addresses: Vec<SocketAddr> = (host.name.as_str(), host.port).to_socket_addrs()?.collect();
    let mut failed = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
    for address in addresses {
        let late = async {
            Timer::after(EACH).await;
            Err(io::ErrorKind::TimedOut.into())
        };
        match Async::<TcpStream>::connect(address).or(late).await {
            Ok(stream) => {
                stream.get_ref().set_nodelay(true)?;
                return Ok(stream);
            }
            Err(error) => failed = error,
        }
    }
    Err(failed)
}
