//! A wire tap: somebody who is subscribed to everything, so that the server never says that nobody
//! is there.

use std::{
    io::{self, BufRead, BufReader, Write},
    net::TcpStream,
    thread,
    time::Duration,
};

use conduit::{ErrorKind, Executed, Failure, Runtime};
use conduit_nats::Nats;

use crate::support::{Outcome, Server, builder, with_every_runtime};

with_every_runtime!(
    requests_to_nobody_are_not_answered_and_others_are,
    a_bind_that_fails_is_no_answer_without_the_word_of_the_server,
);

/// Subscribes to everything, and throws it away.
fn tap(server: &Server) -> io::Result<()> {
    let address = server.url().replace("nats://", "");
    let mut stream = TcpStream::connect(address)?;
    stream.write_all(b"CONNECT {\"verbose\":false}\r\nSUB > 1\r\nPING\r\n")?;
    let mut lines = BufReader::new(stream);
    let mut line = String::new();
    while line != "PONG\r\n" {
        line.clear();
        if lines.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    thread::spawn(move || io::copy(&mut lines, &mut io::sink()));
    Ok(())
}

async fn requests_to_nobody_are_not_answered_and_others_are(
    runtime: impl Runtime + Clone,
) -> Outcome {
    let server = Server::start();
    tap(&server)?;
    let worker = builder("worker", runtime.clone(), Nats::connect(server.url()).await?).build()?;
    worker.queue_bind("echo").await?.to(|message| async move {
        let body = message.take_body()?;
        message.reply_body(body).await
    });
    // Half of the idle limit is the least that somebody is given to say that he has a request.
    let asker = builder("asker", runtime, Nats::connect(server.url()).await?)
        .send_timeout(Duration::from_millis(500))
        .idle_limit(Duration::from_secs(1))
        .build()?;
    let service = asker.service("worker");
    for (size, executed) in [(10, Executed::Maybe), (100_000, Executed::No)] {
        let body = vec![7; size];
        let asked = service.request_body("nothing", body.clone()).await;
        let error = asked.map(drop).expect_err("nobody is bound");
        assert_eq!((error.kind(), error.executed()), (ErrorKind::NoAnswer, executed), "{error}");
        assert_eq!(service.request_body("echo", body.clone()).await?.to_bytes().await?, body);
    }
    Ok(())
}

/// The server does not say that there is no group, so that there may be one that has the request.
async fn a_bind_that_fails_is_no_answer_without_the_word_of_the_server(
    runtime: impl Runtime + Clone,
) -> Outcome {
    let server = Server::start();
    let logger = builder("worker", runtime.clone(), Nats::connect(server.url()).await?).build()?;
    logger.bind("job").await?.to(|message| async move {
        message.to_bytes().await?;
        Err::<(), Box<dyn std::error::Error + Send + Sync>>(Failure::new("no.log", "full").into())
    });
    let asker = builder("asker", runtime, Nats::connect(server.url()).await?)
        .send_timeout(Duration::from_millis(500))
        .idle_limit(Duration::from_secs(1))
        .build()?;
    for is_tapped in [false, true] {
        if is_tapped {
            tap(&server)?;
        }
        for size in [10, 100_000] {
            let asked = asker.service("worker").request_body("job", vec![7; size]).await;
            let error = asked.map(drop).expect_err("the bind fails");
            let wanted = match is_tapped {
                true => (ErrorKind::NoAnswer, Executed::Maybe),
                false => (ErrorKind::HandlerFailed, Executed::Yes),
            };
            assert_eq!((error.kind(), error.executed()), wanted, "{error}");
            assert_eq!(error.failure().map(Failure::code), Some("no.log"), "{error:?}");
        }
    }
    Ok(())
}
