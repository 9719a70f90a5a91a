//! What connecting says when it fails.

use std::{
    error::Error,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    thread,
};

use conduit_redis::{ConnectError, ConnectErrorKind, Redis};

use crate::support::{Outcome, Server, under_every_runtime};

under_every_runtime!(
    no_server,
    a_url_that_is_none,
    a_server_that_closes_the_connection,
    a_server_that_says_nothing,
    a_server_of_another_kind,
    an_old_server,
    a_replica,
    a_wrong_password,
    the_right_password,
    a_user_who_may_not_load_scripts,
    the_first_of_several_that_can_be_used,
);

/// Something that takes connections on a free port, and what it does with each.
fn listen(each: impl Fn(TcpStream) + Send + 'static) -> Result<String, std::io::Error> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let url = format!("redis://{}", listener.local_addr()?);
    thread::spawn(move || listener.incoming().flatten().for_each(each));
    Ok(url)
}

/// A server that says the same to all.
fn that_says(text: &'static str) -> Result<String, std::io::Error> {
    listen(move |mut stream| {
        let _ = (stream.read(&mut [0; 4096]), stream.write_all(text.as_bytes()));
    })
}

async fn failure(url: String) -> ConnectError {
    Redis::connect(url).await.expect_err("no connection")
}

async fn no_server() -> Outcome {
    // Bound and given back: nobody listens there.
    let free = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let error = failure(format!("redis://{free}")).await;
    assert_eq!(error.kind(), ConnectErrorKind::Unreachable);
    assert!(error.source().is_some(), "the cause is told");
    // What a program prints whose `main` returns it.
    let printed = format!("{error:?}");
    assert!(printed.starts_with("no Redis server could be reached: "), "{printed}");
    assert!(printed.ends_with(" (Unreachable)") && !printed.contains('{'), "{printed}");
    Ok(())
}

async fn a_url_that_is_none() -> Outcome {
    for url in ["http://localhost:6379", "redis://", "redis://host:port", "redis://h/1", ""] {
        let kind = failure(url.into()).await.kind();
        assert_eq!(kind, ConnectErrorKind::InvalidUrl, "{url:?}");
    }
    Ok(())
}

async fn a_server_that_closes_the_connection() -> Outcome {
    let error = failure(listen(drop)?).await;
    assert_eq!(error.kind(), ConnectErrorKind::Unreachable);
    Ok(())
}

async fn a_server_that_says_nothing() -> Outcome {
    let url = listen(std::mem::forget)?;
    assert_eq!(failure(url).await.kind(), ConnectErrorKind::TimedOut);
    Ok(())
}

async fn a_server_of_another_kind() -> Outcome {
    let url = that_says("HTTP/1.1 400 Bad Request\r\n\r\n")?;
    assert_eq!(failure(url).await.kind(), ConnectErrorKind::Unsupported);
    Ok(())
}

async fn an_old_server() -> Outcome {
    for text in ["-ERR unknown command `HELLO`\r\n", "-NOPROTO sorry\r\n", "*0\r\n+x\r\n"] {
        let error = failure(that_says(text)?).await;
        assert_eq!(error.kind(), ConnectErrorKind::Unsupported, "{text:?}");
    }
    Ok(())
}

async fn a_replica() -> Outcome {
    let primary = Server::start();
    let replica = Server::start();
    replica.command(&["REPLICAOF", "127.0.0.1", &primary.port().to_string()]);
    assert_eq!(failure(replica.url()).await.kind(), ConnectErrorKind::Replica);
    Ok(())
}

const PASSWORD: &str = "cor/re:ct";
const ENCODED: &str = "cor%2Fre%3Act";

fn with_password() -> Server {
    let server = Server::start();
    let password = format!(">{PASSWORD}");
    let said = server.command(&[
        "ACL",
        "SETUSER",
        "alice",
        "on",
        &password,
        "allkeys",
        "allchannels",
        "+@all",
    ]);
    assert_eq!(said, "+OK\r\n");
    server.command(&["ACL", "SETUSER", "default", "resetpass", ">another"]);
    server
}

async fn a_wrong_password() -> Outcome {
    let server = with_password();
    for url in [server.url_as("alice", "secret-but-wrong"), server.url()] {
        let error = failure(url).await;
        assert_eq!(error.kind(), ConnectErrorKind::Unauthorized, "{error:?}");
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("secret-but-wrong"), "{shown}");
    }
    Ok(())
}

async fn the_right_password() -> Outcome {
    let server = with_password();
    let redis = Redis::connect(server.url_as("alice", ENCODED)).await?;
    let shown = format!("{redis:?}");
    assert!(!shown.contains("cor") && !shown.contains("alice"), "{shown}");
    let options = Redis::options().user_and_password("alice", PASSWORD).name("a test");
    Redis::connect_with(options, [server.url()]).await?;
    Redis::connect(server.url_as("", "another")).await?;
    Ok(())
}

async fn a_user_who_may_not_load_scripts() -> Outcome {
    let server = Server::start();
    let said = server.command(&[
        "ACL",
        "SETUSER",
        "bob",
        "on",
        ">pw",
        "allchannels",
        "+@pubsub",
        "+hello",
    ]);
    assert_eq!(said, "+OK\r\n");
    let error = failure(server.url_as("bob", "pw")).await;
    assert_eq!(error.kind(), ConnectErrorKind::Unauthorized);
    Ok(())
}

async fn the_first_of_several_that_can_be_used() -> Outcome {
    let server = Server::start();
    let free = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let urls = [format!("redis://{free}"), server.url()];
    Redis::connect_with(Redis::options(), urls).await?;
    Ok(())
}
