//! Members of groups that come, go, die and stand still, and a server that forgets them.

use std::collections::BTreeSet;

use bytes::Bytes;
use conduit::transport::{Packet, Subscription, Targets, Transport};
use conduit_redis::Redis;
use futures_lite::{StreamExt, future};

use crate::support::{
    Outcome, Process, Server, arrived, group, inbox, next, server_url, subject, token,
    tokio_multi_thread, under_every_runtime,
};

under_every_runtime!(
    members_take_turns,
    the_last_member_leaves_and_a_later_one_gets_nothing_old,
    a_flushed_server_knows_its_members_again,
    a_server_without_its_scripts_loses_no_order,
);

async fn members_take_turns() -> Outcome {
    const MEMBERS: u8 = 3;
    const PACKETS: usize = 300;
    let server = Server::start();
    let sender = Redis::connect(server.url()).await?;
    let mut members = Vec::new();
    for _ in 0..MEMBERS {
        let redis = Redis::connect(server.url()).await?;
        let packets = redis.subscribe(&group("work")).await?;
        redis.flush().await?;
        members.push((redis, packets));
    }
    for _ in 0..PACKETS {
        sender.publish(&group("work"), "job".into(), None).await?;
    }
    sender.flush().await?;
    for (redis, packets) in &mut members {
        redis.flush().await?;
        let mut count = 0;
        while arrived(packets).await.is_some() {
            count += 1;
        }
        assert_eq!(count, PACKETS / usize::from(MEMBERS));
    }
    Ok(())
}

async fn the_last_member_leaves_and_a_later_one_gets_nothing_old() -> Outcome {
    let server = Server::start();
    let redis = Redis::connect(server.url()).await?;
    let mut notices = redis.subscribe(&inbox(1)).await?;
    let mut first = redis.subscribe(&group("work")).await?;
    redis.publish(&group("work"), "first".into(), None).await?;
    first.leave().await?;
    assert_eq!(next(&mut first).await, b"first");
    assert_eq!(first.next().await, None);
    let undelivered = token(1, Targets::Group);
    redis.publish(&group("work"), "to nobody".into(), Some((&inbox(1), undelivered))).await?;
    assert_eq!(notices.next().await, Some(Packet::Undelivered(undelivered)));
    let mut later = redis.subscribe(&group("work")).await?;
    redis.publish(&group("work"), "later".into(), None).await?;
    assert_eq!(next(&mut later).await, b"later");
    assert_eq!(arrived(&mut later).await, None);
    Ok(())
}

async fn a_flushed_server_knows_its_members_again() -> Outcome {
    let server = Server::start();
    let redis = Redis::connect(server.url()).await?;
    let mut notices = redis.subscribe(&inbox(1)).await?;
    let mut packets = redis.subscribe(&group("work")).await?;
    server.command(&["FLUSHALL"]);
    let undelivered = token(1, Targets::Group);
    let mut lost = 0_usize;
    loop {
        redis.publish(&group("work"), "job".into(), Some((&inbox(1), undelivered))).await?;
        redis.flush().await?;
        if arrived(&mut packets).await.is_some() {
            break;
        }
        // Its sender is told, and asks again.
        assert_eq!(notices.next().await, Some(Packet::Undelivered(undelivered)));
        lost += 1;
    }
    assert!(lost > 0, "it had forgotten its members");
    for _ in 0..100 {
        redis.publish(&group("work"), "job".into(), None).await?;
        assert_eq!(next(&mut packets).await, b"job");
    }
    Ok(())
}

async fn a_server_without_its_scripts_loses_no_order() -> Outcome {
    const PACKETS: u32 = 3_000;
    let server = Server::start();
    let redis = Redis::connect(server.url()).await?;
    let mut notices = redis.subscribe(&inbox(1)).await?;
    let mut plain_packets = redis.subscribe(&crate::support::plain("work")).await?;
    let mut group_packets = redis.subscribe(&group("work")).await?;
    let undelivered = token(1, Targets::Both);
    for number in 0..PACKETS {
        let packet = Bytes::copy_from_slice(&number.to_be_bytes());
        let to = subject("work", Targets::Both);
        redis.publish(&to, packet, Some((&inbox(1), undelivered))).await?;
        if number % 1_000 == 500 {
            server.command(&["SCRIPT", "FLUSH"]);
        }
    }
    redis.flush().await?;
    let mut told = 0;
    while let Some(notice) = arrived(&mut notices).await {
        assert_eq!(notice, Packet::Undelivered(undelivered));
        told += 1;
    }
    assert!(told > 0, "the scripts were missing");
    for packets in [&mut plain_packets, &mut group_packets] {
        let mut numbers = Vec::new();
        while let Some(Packet::Data(packet)) = arrived(packets).await {
            numbers.push(u32::from_be_bytes(packet[..].try_into()?));
        }
        assert!(numbers.is_sorted());
        let different: BTreeSet<_> = numbers.iter().collect();
        assert_eq!((different.len(), numbers.len() + told), (numbers.len(), PACKETS as usize));
    }
    Ok(())
}

#[test]
#[ignore = "run by the tests below, in a process of its own"]
fn member() -> Outcome {
    tokio_multi_thread(async {
        let redis = Redis::connect(server_url()).await?;
        let _packets = redis.subscribe(&group("work")).await?;
        redis.flush().await?;
        eprintln!("bound");
        future::pending::<()>().await;
        Ok(())
    })
}

/// Publishes until so many packets in a row were for this member.
async fn gets_all(redis: &Redis, packets: &mut conduit_redis::Subscription) -> Outcome {
    let mut in_a_row = 0;
    while in_a_row < 50 {
        redis.publish(&group("work"), "job".into(), None).await?;
        redis.flush().await?;
        in_a_row = if arrived(packets).await.is_some() { in_a_row + 1 } else { 0 };
    }
    Ok(())
}

#[test]
fn a_member_that_was_killed_gets_nothing_more() -> Outcome {
    tokio_multi_thread(async {
        let server = Server::start();
        let redis = Redis::connect(server.url()).await?;
        let mut packets = redis.subscribe(&group("work")).await?;
        let mut member = Process::start("groups::member", &server.url());
        member.says("bound").await;
        member.kill();
        gets_all(&redis, &mut packets).await
    })
}

#[test]
fn a_member_that_stands_still_is_skipped_and_comes_back() -> Outcome {
    tokio_multi_thread(async {
        let server = Server::start();
        let redis = Redis::connect(server.url()).await?;
        let mut packets = redis.subscribe(&group("work")).await?;
        let member = Process::start("groups::member", &server.url());
        member.says("bound").await;
        member.pause();
        gets_all(&redis, &mut packets).await?;
        member.go_on();
        // Again every other packet is for that one.
        loop {
            redis.publish(&group("work"), "job".into(), None).await?;
            redis.flush().await?;
            if arrived(&mut packets).await.is_none() {
                return Ok(());
            }
        }
    })
}
