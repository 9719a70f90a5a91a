//! The notice that nobody listens, and those who forge it: the server has one subject for it, to
//! which the documented permissions let nobody publish.

use std::{
    io::{self, BufRead, BufReader, Write},
    net::TcpStream,
};

use async_compat::Compat;
use conduit::{Conduit, Error, ErrorKind, Executed, Runtime};
use conduit_nats::Nats;
use futures_lite::{FutureExt, StreamExt, future};

use crate::support::{Outcome, Server, Text, builder, with_every_runtime};

with_every_runtime!(only_the_server_says_that_nobody_listens);

const PERMISSIONS: &str = r#"
authorization {
  users: [
    { user: asker, password: one, permissions {
        publish: { allow: "conduit.>", deny: "conduit.*.n.>" }
        subscribe: "conduit.asker.>"
    } }
    { user: worker, password: two, permissions {
        publish: { allow: "conduit.>", deny: "conduit.*.n.>" }
        subscribe: "conduit.worker.>"
    } }
    { user: open, password: three }
  ]
}
"#;

/// What a forger makes of a subject that it has seen.
type Change = fn(String) -> String;

/// Publishes what looks like the server's notice. Returns what the server says to that.
fn forge(server: &Server, user: &str, password: &str, subject: &str) -> io::Result<String> {
    const STATUS: &str = "NATS/1.0 503\r\n\r\n";
    let mut stream = TcpStream::connect(server.url().replace("nats://", ""))?;
    let length = STATUS.len();
    write!(
        stream,
        "CONNECT {{\"verbose\":false,\"headers\":true,\"user\":\"{user}\",\"pass\":\"{password}\"}}\r\n\
        HPUB {subject} {length} {length}\r\n{STATUS}\r\nPING\r\n"
    )?;
    let mut said = String::new();
    for line in BufReader::new(stream).lines() {
        let line = line?;
        if line == "PONG" {
            return Ok(said);
        }
        if line.starts_with("-ERR") {
            said = line;
        }
    }
    Err(io::ErrorKind::UnexpectedEof.into())
}

async fn only_the_server_says_that_nobody_listens(runtime: impl Runtime + Clone) -> Outcome {
    let server = Server::with_config(PERMISSIONS);
    let connect = |user, password| Nats::connect(server.url_as(user, password));
    let asker = builder("asker", runtime.clone(), connect("asker", "one").await?).build()?;
    let worker = builder("worker", runtime, connect("worker", "two").await?).build()?;
    let mut jobs = worker.queue_bind("job").await?;
    let options = Nats::options().user_and_password("worker".into(), "two".into());
    let spy = Compat::new(options.connect(server.url())).await?;
    let mut requests = Compat::new(spy.subscribe("conduit.worker.s.*.*.job")).await?;
    // A flush only waits for the socket: what comes back shows that the subscription is in force.
    Compat::new(spy.publish("conduit.worker.s.0.0.job", "".into())).await?;
    requests.next().await.ok_or("unsubscribed")?;

    // A subject without the right tag, and without the right targets.
    let kept = |subject: String| subject;
    let tagged = |subject: String| format!("{}{}", &subject[..subject.len() - 16], "0".repeat(16));
    let targeted = |subject: String| subject.replacen(".b", ".g", 1);
    let nobody = Err((ErrorKind::NoReceivers, Executed::No));
    let cases: [(_, _, Change, _); 4] = [
        ("worker", "two", kept, Ok("done".to_owned())),
        ("open", "three", tagged, Ok("done".to_owned())),
        ("open", "three", targeted, Ok("done".to_owned())),
        // What is left without permissions.
        ("open", "three", kept, nobody.clone()),
    ];
    for (user, password, change, wanted) in cases {
        let believed = wanted.is_err();
        let forging = async {
            let message = jobs.next().await.ok_or("unbound")?;
            let seen = requests.next().await.ok_or("unsubscribed")?;
            let subject = seen.reply.ok_or("a request has a place for its notice")?.to_string();
            assert!(subject.starts_with("conduit.asker.n."), "{subject}");
            let said = forge(&server, user, password, &change(subject))?;
            assert_eq!(said.contains("Permissions Violation"), user == "worker", "{said:?}");
            if !believed {
                message.reply("done").await?;
            }
            // The message is kept until the answer is there: dropped, it would answer too.
            future::pending::<Outcome>().await.map(|()| wanted.clone())
        };
        let answered = async { Ok(ask(&asker, "job").await) };
        assert_eq!(answered.or(forging).await?, wanted, "{user}");
    }
    // The server's own comes through the same permissions.
    assert_eq!(ask(&asker, "nothing").await, nobody);
    Ok(())
}

async fn ask(asker: &Conduit<Text>, subject: &str) -> Result<String, (ErrorKind, Executed)> {
    let known = |error: Error| (error.kind(), error.executed());
    let reply = asker.service("worker").request(subject, "?").await.map_err(known)?;
    reply.text().await.map_err(known)
}
