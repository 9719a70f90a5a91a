//! A connection to one server, as far as it takes no knowledge of what is sent.

use std::io;

use async_io::Timer;
use bytes::BytesMut;
use conduit_socket::{DialError, Host as Server, Stream};
use futures_io::{AsyncRead, AsyncWrite};
use futures_lite::{AsyncReadExt, AsyncWriteExt, FutureExt};

use crate::{
    ConnectError, ConnectErrorKind, command,
    reply::Reply,
    script::{self, Script},
    servers::Servers,
    slots::{self, Range},
};

/// How much is read at once.
pub(crate) const READ_SIZE: usize = 64 << 10;

/// What a server is part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Alone,
    Cluster,
}

/// Connects to the first server that can be used.
pub(crate) async fn connect(servers: &Servers) -> Result<(Stream, Mode), ConnectError> {
    let mut first = None;
    for server in &servers.addresses {
        match in_time(servers, open(servers, server)).await {
            Ok(connected) => return Ok(connected),
            Err(error) => first = first.or(Some(error)),
        }
    }
    Err(first.unwrap_or_else(|| ConnectErrorKind::Unreachable.into()))
}

/// Connects to a primary of a cluster.
pub(crate) async fn connect_to(servers: &Servers, server: &Server) -> Result<Stream, ConnectError> {
    let connected = async {
        let mut stream = dial(servers, server).await?;
        match greet(servers, &mut stream).await? {
            (Mode::Cluster, true) => Ok(stream),
            (Mode::Cluster, false) => Err(ConnectErrorKind::Replica.into()),
            (Mode::Alone, _) => {
                Err(ConnectError::new(ConnectErrorKind::Unsupported, "it is of no cluster"))
            }
        }
    };
    in_time(servers, connected).await
}

/// Asks a server of a cluster who has which slots.
pub(crate) async fn ask_slots(
    servers: &Servers,
    server: &Server,
) -> Result<Vec<Range>, ConnectError> {
    let asked = async {
        let mut stream = dial(servers, server).await?;
        let mut said = servers.hello();
        command::write(&mut said, &[b"CLUSTER", b"SLOTS"]);
        say(&mut stream, &said).await?;
        let mut read = BytesMut::new();
        next(&mut stream, &mut read).await?;
        let reply = next(&mut stream, &mut read).await?;
        slots::read(&reply, server).filter(|ranges| !ranges.is_empty()).ok_or_else(|| {
            ConnectError::new(ConnectErrorKind::Other, "it knows no server that has slots")
        })
    };
    in_time(servers, asked).await
}

async fn in_time<T>(
    servers: &Servers,
    connecting: impl Future<Output = Result<T, ConnectError>>,
) -> Result<T, ConnectError> {
    let late = async {
        Timer::after(servers.options.timeout).await;
        Err(ConnectErrorKind::TimedOut.into())
    };
    connecting.or(late).await
}

async fn open(servers: &Servers, server: &Server) -> Result<(Stream, Mode), ConnectError> {
    let mut stream = match &servers.options.primary {
        None => dial(servers, server).await?,
        Some(name) => {
            let mut sentinel = dial(servers, server).await?;
            let (host, port) = primary(name, &mut sentinel).await?;
            dial(servers, &Server { name: host, port, tls: server.tls }).await?
        }
    };
    match greet(servers, &mut stream).await? {
        (Mode::Alone, false) => Err(ConnectErrorKind::Replica.into()),
        (mode, _) => Ok((stream, mode)),
    }
}

/// Connects. Nothing else happens on this thread without a connection, so a lookup may block it.
async fn dial(servers: &Servers, server: &Server) -> Result<Stream, ConnectError> {
    let dialled = conduit_socket::dial(server, servers.tls.as_ref()).await;
    dialled.map_err(|error| match error {
        DialError::Unreachable(error) => unreachable(error),
        DialError::Tls(error) => ConnectError::new(ConnectErrorKind::Tls, error),
    })
}

fn unreachable(error: io::Error) -> ConnectError {
    ConnectError::new(ConnectErrorKind::Unreachable, error)
}

/// Asks a sentinel where the primary of a name is.
async fn primary<S>(name: &str, stream: &mut S) -> Result<(String, u16), ConnectError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let question = [b"SENTINEL" as &[u8], b"GET-MASTER-ADDR-BY-NAME", name.as_bytes()];
    say(stream, &command::of(&question)).await?;
    let reply = next(stream, &mut BytesMut::new()).await?;
    let address = match &reply {
        Reply::List(list) => match &list[..] {
            [host, port] => host.text().zip(port.text()),
            _ => None,
        },
        _ => None,
    };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let address = address.and_then(|(host, port)| Some((text(host), text(port).parse().ok()?)));
    address.ok_or_else(|| {
        let why = format!("the sentinel knows no primary {name:?}");
        ConnectError::new(ConnectErrorKind::Other, why)
    })
}

/// Says who this is, and loads the scripts. Returns what the server is, and whether it is a primary.
async fn greet<S>(servers: &Servers, stream: &mut S) -> Result<(Mode, bool), ConnectError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let scripts = [script::PUBLISH, script::RENEW];
    let mut said = servers.hello();
    for script in &scripts {
        command::write(&mut said, &[b"SCRIPT", b"LOAD", script.text.as_bytes()]);
    }
    say(stream, &said).await?;
    let mut read = BytesMut::new();
    let greeted = check_hello(&next(stream, &mut read).await?)?;
    for script in &scripts {
        check_loaded(script, &next(stream, &mut read).await?)?;
    }
    Ok(greeted)
}

async fn say<S>(stream: &mut S, said: &[u8]) -> Result<(), ConnectError>
where
    S: AsyncWrite + Unpin + Send,
{
    stream.write_all(said).await.map_err(unreachable)?;
    stream.flush().await.map_err(unreachable)
}

async fn next<S>(stream: &mut S, read: &mut BytesMut) -> Result<Reply, ConnectError>
where
    S: AsyncRead + Unpin + Send,
{
    loop {
        let malformed = |error| ConnectError::new(ConnectErrorKind::Unsupported, error);
        match Reply::take(read).map_err(malformed)? {
            Some(Reply::Error(error)) => return Err(ConnectError::said(&error)),
            Some(reply) => return Ok(reply),
            None => {}
        }
        let mut bytes = [0; 1024];
        match stream.read(&mut bytes).await.map_err(unreachable)? {
            0 => return Err(unreachable(io::ErrorKind::UnexpectedEof.into())),
            length => read.extend_from_slice(&bytes[..length]),
        }
    }
}

fn check_hello(reply: &Reply) -> Result<(Mode, bool), ConnectError> {
    let Reply::List(_) = reply else {
        return Err(ConnectErrorKind::Unsupported.into());
    };
    let is_primary = !matches!(reply.value(b"role"), Some(b"replica" | b"slave"));
    match reply.value(b"mode") {
        Some(b"sentinel") => {
            Err(ConnectError::new(ConnectErrorKind::Unsupported, "it is a sentinel"))
        }
        Some(b"cluster") => Ok((Mode::Cluster, is_primary)),
        _ => Ok((Mode::Alone, is_primary)),
    }
}

fn check_loaded(script: &Script, reply: &Reply) -> Result<(), ConnectError> {
    if reply.text() == Some(script.sha.as_bytes()) {
        return Ok(());
    }
    Err(ConnectError::new(ConnectErrorKind::Unsupported, "it names scripts in another way"))
}
