//! The two connections to one server, as far as it takes no knowledge of what is sent.

use std::io;

use async_io::Timer;
use bytes::BytesMut;
use conduit_socket::{DialError, Host, Stream};
use futures_lite::{AsyncReadExt, AsyncWriteExt, FutureExt, future};

use crate::{
    ConnectError, ConnectErrorKind, Options,
    frame::{Frame, MAX_FRAME, Method},
    method::{self, Table},
    servers::Servers,
    state::Agreed,
};

/// How much is read at once.
pub(crate) const READ_SIZE: usize = 64 << 10;

/// After how many seconds of silence a server is taken for dead, and takes this side for dead.
pub(crate) const HEARTBEAT: u16 = 5;

/// Two connections that are open.
pub(crate) struct Wires {
    pub(crate) publishing: Stream,
    pub(crate) consuming: Stream,
    pub(crate) agreed: Agreed,
}

/// Connects to the first server that can be used.
pub(crate) async fn connect(servers: &Servers) -> Result<Wires, ConnectError> {
    let mut first = None;
    for host in &servers.hosts {
        let late = async {
            Timer::after(servers.options.timeout).await;
            Err(ConnectErrorKind::TimedOut.into())
        };
        match open_both(servers, host).or(late).await {
            Ok(wires) => return Ok(wires),
            Err(error) => first = first.or(Some(error)),
        }
    }
    Err(first.unwrap_or_else(|| ConnectErrorKind::Unreachable.into()))
}

async fn open_both(servers: &Servers, host: &Host) -> Result<Wires, ConnectError> {
    let publishing = open(servers, host, "publishes");
    let consuming = open(servers, host, "consumes");
    let ((publishing, _, frame), (consuming, channels, _)) =
        future::try_zip(publishing, consuming).await?;
    let mut salt = [0; 16];
    getrandom::fill(&mut salt)
        .map_err(|error| ConnectError::new(ConnectErrorKind::Other, error.to_string()))?;
    let salt = format!("{:032x}", u128::from_be_bytes(salt));
    Ok(Wires { publishing, consuming, agreed: Agreed { channels, frame, salt } })
}

/// Opens one connection. Returns how many channels it may have, and how long its frames may be.
async fn open(
    servers: &Servers,
    host: &Host,
    what: &str,
) -> Result<(Stream, u16, usize), ConnectError> {
    let dialled = conduit_socket::dial(host, servers.tls.as_ref()).await;
    let stream = dialled.map_err(|error| match error {
        DialError::Unreachable(error) => unreachable(error),
        DialError::Tls(error) => ConnectError::new(ConnectErrorKind::Tls, error),
    })?;
    let mut talk = Talk { stream, read: BytesMut::new() };
    let options = &servers.options;
    talk.send(method::HELLO).await?;
    let Method::Start { mechanisms } = talk.next().await? else {
        return Err(unsupported("it does not begin as such a server does"));
    };
    let mut said = Vec::new();
    let mechanisms = String::from_utf8_lossy(&mechanisms).into_owned();
    let mut mechanisms = mechanisms.split(' ');
    // With a certificate of the client's, the server may know who it is.
    let external = options.tls.certificate.is_some() && mechanisms.clone().any(|m| m == "EXTERNAL");
    if external {
        method::start_ok(&mut said, &about(options, what), "EXTERNAL", b"");
    } else if mechanisms.any(|mechanism| mechanism == "PLAIN") {
        let response = format!("\0{}\0{}", options.user, options.password);
        method::start_ok(&mut said, &about(options, what), "PLAIN", response.as_bytes());
    } else {
        return Err(unsupported("it takes no password"));
    }
    talk.send(&said).await?;
    let (channels, frame) = match talk.next().await {
        Ok(Method::Tune { channels, frame, .. }) => (channels, frame),
        Ok(_) => return Err(unsupported("it does not say what it takes")),
        // So do old servers say that they do not accept credentials.
        Err(error) if error.kind() == ConnectErrorKind::Unreachable => {
            return Err(ConnectErrorKind::Unauthorized.into());
        }
        Err(error) => return Err(error),
    };
    let most = u32::try_from(MAX_FRAME).unwrap_or(u32::MAX);
    let frame = if frame == 0 { most } else { frame.min(most) };
    let channels = if channels == 0 { u16::MAX } else { channels };
    said.clear();
    method::tune_ok(&mut said, channels, frame, HEARTBEAT);
    method::open(&mut said, &options.virtual_host);
    talk.send(&said).await?;
    match talk.next().await? {
        Method::Opened if talk.read.is_empty() => {}
        _ => return Err(unsupported("it does not open the connection")),
    }
    Ok((talk.stream, channels, usize::try_from(frame).unwrap_or(MAX_FRAME)))
}

/// What a server is told about this side.
fn about(options: &Options, what: &str) -> Table {
    let capabilities = Table::default()
        .yes("authentication_failure_close")
        .yes("basic.nack")
        .yes("connection.blocked")
        .yes("consumer_cancel_notify")
        .yes("publisher_confirms");
    Table::default()
        .text("product", "conduit-rabbitmq")
        .text("version", env!("CARGO_PKG_VERSION"))
        .text("connection_name", &format!("{} {what}", options.name))
        .table("capabilities", &capabilities)
}

/// A conversation before a connection is open.
struct Talk {
    stream: Stream,
    read: BytesMut,
}

impl Talk {
    async fn send(&mut self, said: &[u8]) -> Result<(), ConnectError> {
        self.stream.write_all(said).await.map_err(unreachable)?;
        self.stream.flush().await.map_err(unreachable)
    }

    async fn next(&mut self) -> Result<Method, ConnectError> {
        loop {
            let malformed = |error| ConnectError::new(ConnectErrorKind::Unsupported, error);
            match Frame::take(&mut self.read).map_err(malformed)? {
                Some((_, Frame::Method(Method::ConnectionClose(fault)))) => {
                    return Err(ConnectError::said(&fault));
                }
                Some((_, Frame::Method(method))) => return Ok(method),
                Some((_, Frame::Heartbeat)) => {}
                Some(_) => return Err(unsupported("it says what was not asked for")),
                None => {
                    let mut bytes = [0; 1024];
                    match self.stream.read(&mut bytes).await.map_err(unreachable)? {
                        0 => return Err(unreachable(io::ErrorKind::UnexpectedEof.into())),
                        length => self.read.extend_from_slice(&bytes[..length]),
                    }
                }
            }
        }
    }
}

fn unreachable(error: io::Error) -> ConnectError {
    ConnectError::new(ConnectErrorKind::Unreachable, error)
}

fn unsupported(why: &str) -> ConnectError {
    ConnectError::new(ConnectErrorKind::Unsupported, why.to_owned())
}
