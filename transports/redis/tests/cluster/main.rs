//! Clusters: services at different servers, and servers that are killed, replaced and relieved of slots
//! while conduits go on.

mod killed;
mod moved;
#[path = "../support/mod.rs"]
mod support;

use std::{
    collections::HashSet,
    sync::{Arc, Mutex},
};

use conduit::{
    Conduit, ErrorKind, Executed,
    transport::{Address, Packet, Subscription, Targets, Transport, TransportErrorKind},
};
use conduit_redis::{ConnectError, ConnectErrorKind, Redis};
use conduit_smol::Smol;
use futures_lite::StreamExt;
use support::{Cluster, Outcome, Text, arrived, builder, inbox, next, token};

async fn connect(cluster: &Cluster, server: usize) -> Outcome<Redis> {
    Ok(Redis::connect_with(cluster.options(), [cluster.url(server)]).await?)
}

fn subject_of(service: &str, targets: Targets) -> Address {
    Address::Subject {
        service: service.parse().expect("a service name"),
        subject: "work".parse().expect("a subject"),
        targets,
    }
}

/// Answers numbers with their doubles, none of them twice. Returns those that were handled.
async fn doubles(worker: &Conduit<Text>) -> Outcome<Arc<Mutex<HashSet<u32>>>> {
    let seen = Arc::new(Mutex::new(HashSet::new()));
    let handled = Arc::clone(&seen);
    worker.queue_bind("double").await?.to(move |message| {
        let handled = Arc::clone(&handled);
        async move {
            let number: u32 = message.text().await?.parse().expect("a number");
            assert!(handled.lock().expect("no panic").insert(number), "{number} came twice");
            message.reply(&(2 * number).to_string()).await
        }
    });
    Ok(seen)
}

/// A service at each of three primaries asks those at all of them, and those that are not there.
async fn talk(cluster: &Cluster, connect_to: [usize; 3]) -> Outcome {
    let names: Vec<_> = (0..3).map(|at| cluster.service_at(at, "talks")).collect();
    let mut conduits = Vec::new();
    for (name, server) in names.iter().zip(connect_to) {
        let conduit = builder(name, Smol, connect(cluster, server).await?).build()?;
        conduit.queue_bind("echo").await?.to(async |message| {
            let text = message.text().await?;
            message.reply(&text).await
        });
        conduits.push(conduit);
    }
    for asker in &conduits {
        for name in &names {
            let reply = asker.service(name).request("echo", "there?").await?;
            assert_eq!(reply.text().await?, "there?");
        }
        let nobody = asker.service(cluster.service_at(1, "nobody")).request("echo", "").await;
        let error = nobody.map(drop).expect_err("nobody listens");
        assert_eq!((error.kind(), error.executed()), (ErrorKind::NoReceivers, Executed::No));
    }
    Ok(())
}

#[test]
fn services_at_different_servers_talk_to_each_other() -> Outcome {
    support::smol(async {
        let cluster = smol::unblock(Cluster::calm).await;
        talk(&cluster, [3, 4, 5]).await
    })
}

/// A certificate is for a name, so an address will not do.
#[test]
fn an_encrypted_cluster_is_reached_by_the_names_that_it_tells() -> Outcome {
    support::smol(async {
        let cluster = smol::unblock(Cluster::encrypted).await;
        let tell = |kind| {
            cluster.command_all(&["CONFIG", "SET", "cluster-preferred-endpoint-type", kind]);
        };
        let error = connect(&cluster, 0).await.expect_err("it tells addresses");
        let error = error.downcast::<ConnectError>()?;
        assert_eq!(error.kind(), ConnectErrorKind::Tls, "{error:?}");
        // Where a server does not say how it is reached, it is where the one that was asked is.
        for kind in ["hostname", "unknown-endpoint"] {
            tell(kind);
            talk(&cluster, [0, 1, 2]).await?;
        }
        Ok(())
    })
}

#[test]
fn members_that_connect_to_different_servers_take_turns() -> Outcome {
    const PACKETS: usize = 300;
    support::smol(async {
        let cluster = smol::unblock(Cluster::calm).await;
        let to = subject_of("turns", Targets::Group);
        let mut members = Vec::new();
        for at in [0, 1, 5] {
            let redis = connect(&cluster, at).await?;
            members.push((redis.subscribe(&to).await?, redis));
        }
        let sender = connect(&cluster, 2).await?;
        for _ in 0..PACKETS {
            sender.publish(&to, "job".into(), None).await?;
        }
        sender.flush().await?;
        for (packets, redis) in &mut members {
            redis.flush().await?;
            let mut count = 0;
            while arrived(packets).await.is_some() {
                count += 1;
            }
            assert_eq!(count, PACKETS / 3);
        }
        Ok(())
    })
}

/// What the documentation says that a user of a cluster needs.
#[test]
fn a_user_needs_to_ask_for_the_slots() -> Outcome {
    support::smol(async {
        let cluster = smol::unblock(Cluster::calm).await;
        let rules = [
            "ACL SETUSER alice reset on >secret resetkeys resetchannels -@all +hello +auth +ping",
            "+script|load +evalsha +time +ssubscribe +sunsubscribe +spublish +zrange +zscore",
            "+zincrby +zrem +zadd +zremrangebyscore +expire ~conduit.{users}.* &conduit.{users}.*",
        ];
        let rules = rules.join(" ");
        let rules: Vec<_> = rules.split(' ').collect();
        cluster.command_all(&rules);
        let connect = || {
            let options = Redis::options().user_and_password("alice", "secret");
            Redis::connect_with(options, [cluster.url(0)])
        };
        let error = connect().await.expect_err("it may not ask");
        assert_eq!(error.kind(), ConnectErrorKind::Unauthorized);
        cluster.command_all(&["ACL", "SETUSER", "alice", "+cluster|slots"]);
        let redis = connect().await?;
        let mut packets = redis.subscribe(&subject_of("users", Targets::Group)).await?;
        let mut notices = redis.subscribe(&inbox(1)).await?;
        redis.publish(&subject_of("users", Targets::Both), "job".into(), None).await?;
        assert_eq!(next(&mut packets).await, b"job");
        packets.leave().await?;
        let undelivered = token(1, Targets::Group);
        let to = subject_of("users", Targets::Group);
        redis.publish(&to, "job".into(), Some((&inbox(1), undelivered))).await?;
        assert_eq!(notices.next().await, Some(Packet::Undelivered(undelivered)));
        for denied in ["asker", "others"] {
            let to = subject_of(denied, Targets::Plain);
            let error = redis.publish(&to, "x".into(), None).await.expect_err("it may not");
            assert_eq!(error.kind(), TransportErrorKind::Denied);
        }
        Ok(())
    })
}
