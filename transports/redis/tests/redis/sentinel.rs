//! A primary that is killed, and whose place a replica takes.

use conduit::{ErrorKind, transport::Transport};
use conduit_redis::{ConnectErrorKind, Redis};
use conduit_smol::Smol;

use crate::support::{Outcome, Server, builder, inbox, next};

/// A server of a primary, and what watches it.
fn watched() -> (Server, Server, Server) {
    let primary = Server::start();
    let port = primary.port().to_string();
    let replica = Server::with(&["--replicaof", "127.0.0.1", &port]);
    let sentinel = Server::sentinel(&primary);
    (primary, replica, sentinel)
}

fn knows_a_replica(sentinel: &Server) -> bool {
    sentinel.command(&["SENTINEL", "REPLICAS", "main"]).contains("\r\nslave\r\n")
        && sentinel.command(&["SENTINEL", "REPLICAS", "main"]).contains("\r\nok\r\n")
}

#[test]
fn a_replica_takes_the_place_of_its_primary() -> Outcome {
    crate::support::smol(async {
        let (mut primary, replica, sentinel) = watched();
        while !knows_a_replica(&sentinel) {
            futures_lite::future::yield_now().await;
        }
        let connect = || Redis::connect_with(Redis::options().primary("main"), [sentinel.url()]);
        let unknown = Redis::options().primary("other");
        let error = Redis::connect_with(unknown, [sentinel.url()]).await.expect_err("unknown");
        assert_eq!(error.kind(), ConnectErrorKind::Other);
        let redis = connect().await?;
        let mut packets = redis.subscribe(&inbox(1)).await?;
        let worker = builder("worker", Smol, redis.clone()).build()?;
        worker.queue_bind("echo").await?.to(async |message| {
            let text = message.text().await?;
            message.reply(&text).await
        });
        let asker = builder("asker", Smol, connect().await?).build()?;
        let ask = async || {
            let reply = asker.service("worker").request("echo", "there?").await?;
            reply.text().await
        };
        assert_eq!(ask().await?, "there?");

        primary.stop();
        crate::support::disconnected(&redis).await;
        redis.publish(&inbox(1), "after".into(), None).await?;
        assert_eq!(next(&mut packets).await, b"after");
        let answered = loop {
            match ask().await {
                // The other one is not back yet, or has nobody to wait for.
                Err(error)
                    if [ErrorKind::NoReceivers, ErrorKind::Disconnected]
                        .contains(&error.kind()) => {}
                answered => break answered?,
            }
        };
        assert_eq!(answered, "there?");
        assert!(replica.command(&["ROLE"]).contains("master"));
        Ok(())
    })
}
