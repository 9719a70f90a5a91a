//! Clusters: primaries that are killed, replaced and relieved of slots, while conduits go on.

mod support;

use std::{
    collections::HashSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use conduit::{
    ErrorKind, Executed, MessageId,
    transport::{Address, Packet, Subscription, Targets, Token, Transport, TransportErrorKind},
};
use conduit_redis::{ConnectErrorKind, Redis, RedisEvent};
use conduit_smol::Smol;
use futures_lite::StreamExt;
use support::{
    Cluster, Outcome, PATIENT, arrived, body, builder, inbox, next, read, run, sha256, token,
};

async fn connect(cluster: &Cluster, server: usize) -> Outcome<Redis> {
    Ok(Redis::connect(cluster.url(server)).await?)
}

fn subject_of(service: &str, targets: Targets) -> Address {
    Address::Subject {
        service: service.parse().expect("a service name"),
        subject: "work".parse().expect("a subject"),
        targets,
    }
}

fn numbered(number: u32) -> Token {
    let mut id = [0; MessageId::LEN];
    id[..4].copy_from_slice(&number.to_be_bytes());
    Token { message: MessageId::from_bytes(id), targets: Targets::Plain, tag: 7 }
}

#[test]
fn services_at_different_servers_talk_to_each_other() -> Outcome {
    support::smol(async {
        let cluster = smol::unblock(Cluster::calm).await;
        let names: Vec<_> = (0..3).map(|at| cluster.service_at(at, "talks")).collect();
        let mut conduits = Vec::new();
        for (at, name) in names.iter().enumerate() {
            let conduit = builder(name, Smol, connect(&cluster, at + 3).await?).build()?;
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

/// An asker whose service is at one primary, and a worker at another, one of which is killed amid
/// requests and a body.
async fn outlives_a_kill_of(killed: usize) -> Outcome {
    const LENGTH: u64 = 64 << 20;
    let mut cluster = smol::unblock(Cluster::start).await;
    let digest = sha256(LENGTH);
    let names = [cluster.service_at(0, "asker"), cluster.service_at(1, "worker")];
    // A failover takes longer on a busy machine.
    let built = async |name: &str, at| -> Outcome<_> {
        Ok(builder(name, Smol, connect(&cluster, at).await?).idle_limit(PATIENT).build()?)
    };
    let (asker, worker) = (built(&names[0], 2).await?, built(&names[1], 0).await?);
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
    let mut uploads = worker.queue_bind("upload").await?;
    let to = asker.service(&names[1]);
    let sent = run(&Smol, to.send_body("upload", body(LENGTH)));
    let body = uploads.next().await.expect("it is bound").take_body()?;

    let over = Arc::new(AtomicBool::new(false));
    let answered = Arc::new(AtomicU32::new(0));
    let (ended, answers) = (Arc::clone(&over), Arc::clone(&answered));
    let asking = run(&Smol, {
        let (asker, worker) = (asker.clone(), names[1].clone());
        async move {
            let (mut failed, mut number) = (Vec::new(), 0);
            while !ended.load(Ordering::Relaxed) {
                number += 1;
                let to = asker.service(&worker);
                let asked = to.request("double", &number.to_string());
                match asked.timeout(Duration::from_secs(3)).await {
                    Ok(reply) => {
                        let text = reply.text().await.expect("it is whole");
                        assert_eq!(text, (2 * number).to_string());
                        answers.fetch_add(1, Ordering::Relaxed);
                    }
                    Err(error) => failed.push((number, error)),
                }
            }
            failed
        }
    });
    let half = async_channel::bounded(1);
    let progress = half.0.clone();
    let reading = run(&Smol, async move {
        read(body, move |at| {
            if at > LENGTH / 2 {
                progress.try_send(()).ok();
            }
        })
        .await
    });
    half.1.recv().await?;
    cluster.kill(killed);
    assert_eq!(reading.await?, digest);
    let sent = sent.await?;
    assert_eq!((sent.completed().len(), sent.failed().len()), (1, 0), "{sent:?}");
    assert!(cluster.is_primary(killed + 3), "its replica has taken its place");

    let before = answered.load(Ordering::Relaxed);
    while answered.load(Ordering::Relaxed) < before + 20 {
        smol::Timer::after(Duration::from_millis(20)).await;
    }
    over.store(true, Ordering::Relaxed);
    for (number, error) in asking.await {
        let was_handled = seen.lock().expect("no panic").contains(&number);
        assert!(error.executed() != Executed::No || !was_handled, "{number}: {error:?}");
        assert!(error.executed() != Executed::Yes || was_handled, "{number}: {error:?}");
    }
    Ok(())
}

#[test]
fn conduits_go_on_when_the_primary_of_the_worker_is_killed() -> Outcome {
    support::smol(outlives_a_kill_of(1))
}

#[test]
fn conduits_go_on_when_the_primary_of_the_asker_is_killed() -> Outcome {
    support::smol(outlives_a_kill_of(0))
}

#[test]
fn a_primary_that_comes_back_as_a_replica_is_done_without() -> Outcome {
    support::smol(async {
        let mut cluster = smol::unblock(Cluster::start).await;
        let to = subject_of(&cluster.service_at(0, "work"), Targets::Group);
        let redis = connect(&cluster, 0).await?;
        let mut packets = redis.subscribe(&to).await?;
        let mut events = redis.events();
        cluster.kill(0);
        while events.next().await != Some(RedisEvent::Connected) {}
        cluster.start_again(0);
        while cluster.is_primary(0) {
            smol::Timer::after(Duration::from_millis(20)).await;
        }
        for number in 0..50 {
            let job = format!("job {number}");
            redis.publish(&to, job.clone().into(), None).await?;
            assert_eq!(next(&mut packets).await, job.as_bytes());
        }
        Ok(())
    })
}

/// Publishes to plain bindings of a service, while something is done to a cluster, until packets
/// arrive again afterwards. Nothing comes twice, and nothing comes of which it is said that it did not.
/// What a former primary passes on may come late.
async fn publishing_while(
    cluster: &Cluster,
    service: &str,
    in_order: bool,
    act: impl FnOnce() + Send + 'static,
) -> Outcome {
    let to = subject_of(service, Targets::Plain);
    // One connection each: the sender's has no subscription there that the server could end.
    let (receiver, sender) = (connect(cluster, 1).await?, connect(cluster, 2).await?);
    let mut notices = sender.subscribe(&inbox(1)).await?;
    let mut packets = receiver.subscribe(&to).await?;
    let acting = std::thread::spawn(act);
    let (mut came, mut told, mut after) = (HashSet::new(), HashSet::new(), 0);
    let (mut number, mut last) = (0_u32, 0);
    while after < 100 {
        number += 1;
        let was_over = acting.is_finished();
        let packet = Bytes::copy_from_slice(&number.to_be_bytes());
        match sender.publish(&to, packet, Some((&inbox(1), numbered(number)))).await {
            Err(error) if error.kind() != TransportErrorKind::Disconnected => {
                return Err(error.into());
            }
            _ => {}
        }
        let _ = sender.flush().await;
        let _ = receiver.flush().await;
        while let Some(Packet::Data(packet)) = arrived(&mut packets).await {
            let this = u32::from_be_bytes(packet[..].try_into()?);
            assert!(came.insert(this), "{this} came twice");
            assert!(!in_order || this > last, "{this} came after {last}");
            last = this;
            after += u32::from(was_over && this == number);
        }
        while let Some(Packet::Undelivered(token)) = arrived(&mut notices).await {
            told.insert(u32::from_be_bytes(token.message.to_bytes()[..4].try_into()?));
        }
    }
    acting.join().expect("it was done");
    let both: Vec<_> = came.intersection(&told).collect();
    assert!(both.is_empty(), "{both:?} came, and are said not to have come");
    Ok(())
}

#[test]
fn a_primary_that_hands_over_to_its_replica_tells_nothing_wrong() -> Outcome {
    support::smol(async {
        let cluster = Arc::new(smol::unblock(Cluster::calm).await);
        let service = cluster.service_at(0, "work");
        let there = Arc::clone(&cluster);
        publishing_while(&cluster, &service, false, move || {
            assert_eq!(there.command(3, &["CLUSTER", "FAILOVER"]), "+OK\r\n");
            while there.is_primary(0) || !there.is_primary(3) {
                std::thread::sleep(Duration::from_millis(20));
            }
        })
        .await
    })
}

#[test]
fn a_slot_that_moves_takes_its_subscriptions_along() -> Outcome {
    support::smol(async {
        let cluster = Arc::new(smol::unblock(Cluster::calm).await);
        let service = cluster.service_at(0, "work");
        let there = Arc::clone(&cluster);
        let slot = cluster.slot(&service).to_string();
        publishing_while(&cluster, &service, true, move || {
            let (from, to) = (there.id(0), there.id(1));
            let set = |number, words: [&str; 2]| {
                let command = [&["CLUSTER", "SETSLOT", &slot], &words[..]].concat();
                assert_eq!(there.waits_for(number, &command), "+OK\r\n");
            };
            set(1, ["IMPORTING", &from]);
            set(0, ["MIGRATING", &to]);
            for number in [1, 0, 2] {
                set(number, ["NODE", &to]);
            }
        })
        .await
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
