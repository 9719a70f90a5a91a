//! What connecting says when it fails.

use std::{
    error::Error,
    io::Write,
    net::{TcpListener, TcpStream},
    thread,
};

use conduit_nats::{ConnectError, ConnectErrorKind, Nats};

use crate::support::{Outcome, Server, under_every_runtime};

under_every_runtime!(
    no_server,
    a_url_that_is_none,
    a_server_that_closes_the_connection,
    a_server_that_goes_away_after_its_greeting,
    a_server_that_says_nothing,
    a_wrong_password,
    the_right_password,
    a_token,
    options_of_the_users,
);

const GREETING: &[u8] =
    b"INFO {\"server_id\":\"test\",\"version\":\"2.10.0\",\"max_payload\":1048576}\r\n";

/// Something that takes connections on a free port, and what it does with each.
fn listen(each: impl Fn(TcpStream) + Send + 'static) -> Result<String, std::io::Error> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let url = format!("nats://{}", listener.local_addr()?);
    thread::spawn(move || listener.incoming().flatten().for_each(each));
    Ok(url)
}

async fn failure(url: String) -> ConnectError {
    Nats::connect(url).await.expect_err("no connection")
}

async fn no_server() -> Outcome {
    // Bound and given back: nobody listens there.
    let free = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let error = failure(format!("nats://{free}")).await;
    assert_eq!(error.kind(), ConnectErrorKind::Unreachable);
    assert!(error.source().is_some(), "the cause is told");
    assert_eq!(error.to_string(), "no NATS server could be reached");
    // What a program prints whose `main` returns it.
    let printed = format!("{error:?}");
    assert!(printed.starts_with("no NATS server could be reached: "), "{printed}");
    assert!(printed.ends_with(" (Unreachable)") && !printed.contains('{'), "{printed}");
    assert!(format!("{error:#?}").contains("kind: Unreachable"), "its parts");
    Ok(())
}

async fn a_url_that_is_none() -> Outcome {
    for url in ["http://localhost:4222", "nats://", "nats://host:port", ""] {
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

async fn a_server_that_goes_away_after_its_greeting() -> Outcome {
    let url = listen(|mut connection| drop(connection.write_all(GREETING)))?;
    assert_eq!(failure(url).await.kind(), ConnectErrorKind::Unreachable);
    Ok(())
}

async fn a_server_that_says_nothing() -> Outcome {
    let url = listen(std::mem::forget)?;
    assert_eq!(failure(url).await.kind(), ConnectErrorKind::TimedOut);
    Ok(())
}

const PASSWORD: &str = "authorization { user: alice, password: \"cor/re:ct\" }";
const ENCODED: &str = "cor%2Fre%3Act";

async fn a_wrong_password() -> Outcome {
    let server = Server::with_config(PASSWORD);
    for url in [server.url_as("alice", "secret-but-wrong"), server.url()] {
        let error = failure(url).await;
        assert_eq!(error.kind(), ConnectErrorKind::Unauthorized);
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("secret-but-wrong"), "{shown}");
    }
    Ok(())
}

async fn the_right_password() -> Outcome {
    let server = Server::with_config(PASSWORD);
    let nats = Nats::connect(server.url_as("alice", ENCODED)).await?;
    let shown = format!("{nats:?}");
    assert!(!shown.contains("cor") && !shown.contains("alice"), "{shown}");
    Ok(())
}

async fn a_token() -> Outcome {
    let server = Server::with_config("authorization { token: open-sesame }");
    let url = server.url();
    let with_token = url.replace("nats://", "nats://open-sesame@");
    Nats::connect(vec![url, with_token]).await?;
    Ok(())
}

async fn options_of_the_users() -> Outcome {
    let server = Server::with_config(PASSWORD);
    let options = |password: &str| {
        Nats::options().user_and_password("alice".into(), password.into()).name("a test")
    };
    Nats::connect_with(options("cor/re:ct"), server.url()).await?;
    let wrong = Nats::connect_with(options("wrong"), vec![server.url()]).await;
    assert_eq!(wrong.map_err(|error| error.kind()).err(), Some(ConnectErrorKind::Unauthorized));
    Ok(())
}
