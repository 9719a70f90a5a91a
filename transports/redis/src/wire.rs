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
};

/// How much is read at once.
pub(crate) const READ_SIZE: usize = 64 << 10;

/// Connects to the first server that can be used.
pub(crate) async fn connect(servers: &Servers) -> Result<Stream, ConnectError> {
    let mut first = None;
    for server in &servers.addresses {
        let late = async {
            Timer::after(servers.options.timeout).await;
            Err(ConnectErrorKind::TimedOut.into())
        };
        match open(servers, server).or(late).await {
            Ok(stream) => return Ok(stream),
            Err(error) => first = first.or(Some(error)),
        }
    }
    Err(first.unwrap_or_else(|| ConnectErrorKind::Unreachable.into()))
}

async fn open(servers: &Servers, server: &Server) -> Result<Stream, ConnectError> {
    let mut stream = match &servers.options.primary {
        None => dial(servers, server).await?,
        Some(name) => {
            let mut sentinel = dial(servers, server).await?;
            let (host, port) = primary(name, &mut sentinel).await?;
            dial(servers, &Server { name: host, port, tls: server.tls }).await?
        }
    };
    greet(servers, &mut stream).await?;
    Ok(stream)
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
    stream.write_all(&command::of(&question)).await.map_err(unreachable)?;
    stream.flush().await.map_err(unreachable)?;
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

/// Says who this is, and loads the scripts.
async fn greet<S>(servers: &Servers, stream: &mut S) -> Result<(), ConnectError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let scripts = [script::PUBLISH, script::RENEW];
    let mut said = servers.hello();
    for script in &scripts {
        command::write(&mut said, &[b"SCRIPT", b"LOAD", script.text.as_bytes()]);
    }
    stream.write_all(&said).await.map_err(unreachable)?;
    stream.flush().await.map_err(unreachable)?;
    let mut read = BytesMut::new();
    check_hello(&next(stream, &mut read).await?)?;
    for script in &scripts {
        check_loaded(script, &next(stream, &mut read).await?)?;
    }
    Ok(())
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

fn check_hello(reply: &Reply) -> Result<(), ConnectError> {
    let Reply::List(list) = reply else {
        return Err(ConnectErrorKind::Unsupported.into());
    };
    let value = |wanted: &[u8]| {
        let at = list.iter().step_by(2).position(|key| key.text() == Some(wanted))?;
        list.get(2 * at + 1)?.text()
    };
    match value(b"mode") {
        Some(b"sentinel") => {
            return Err(ConnectError::new(ConnectErrorKind::Unsupported, "it is a sentinel"));
        }
        Some(b"cluster") => {
            return Err(ConnectError::new(ConnectErrorKind::Unsupported, "it is of a cluster"));
        }
        _ => {}
    }
    match value(b"role") {
        Some(b"replica" | b"slave") => Err(ConnectErrorKind::Replica.into()),
        _ => Ok(()),
    }
}

fn check_loaded(script: &Script, reply: &Reply) -> Result<(), ConnectError> {
    if reply.text() == Some(script.sha.as_bytes()) {
        return Ok(());
    }
    Err(ConnectError::new(ConnectErrorKind::Unsupported, "it names scripts in another way"))
}
