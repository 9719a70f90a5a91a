//! Slots that move to another server, one or all of them.

use std::{collections::HashSet, sync::Arc, time::Duration};

use bytes::Bytes;
use conduit::{
    ErrorKind, Executed, MessageId,
    transport::{Packet, Targets, Token, Transport, TransportErrorKind},
};
use conduit_smol::Smol;

use crate::{
    connect, doubles, subject_of,
    support::{self, Cluster, Outcome, arrived, builder, inbox},
};

fn numbered(number: u32) -> Token {
    let mut id = [0; MessageId::LEN];
    id[..4].copy_from_slice(&number.to_be_bytes());
    Token { message: MessageId::from_bytes(id), targets: Targets::Plain, tag: 7 }
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

fn set_slot(cluster: &Cluster, number: usize, slot: &str, words: [&str; 2]) {
    let command = [&["CLUSTER", "SETSLOT", slot], &words[..]].concat();
    assert_eq!(cluster.waits_for(number, &command), "+OK\r\n");
}

/// Begins to move a slot from the first primary to the second.
fn begin_to_move(cluster: &Cluster, slot: &str) {
    set_slot(cluster, 1, slot, ["IMPORTING", &cluster.id(0)]);
    set_slot(cluster, 0, slot, ["MIGRATING", &cluster.id(1)]);
}

fn end_moving(cluster: &Cluster, slot: &str) {
    let to = cluster.id(1);
    for number in [1, 0, 2] {
        set_slot(cluster, number, slot, ["NODE", &to]);
    }
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
            begin_to_move(&there, &slot);
            end_moving(&there, &slot);
        })
        .await
    })
}

/// What is refused because the keys of a group are on their way was not executed, and is told so.
#[test]
fn a_group_whose_keys_move_handles_nothing_twice_and_comes_back() -> Outcome {
    support::smol(async {
        let cluster = smol::unblock(Cluster::calm).await;
        let service = cluster.service_at(0, "work");
        let (slot, key) = (cluster.slot(&service).to_string(), format!("conduit.{{{service}}}"));
        let worker = builder(&service, Smol, connect(&cluster, 0).await?).build()?;
        let asker = builder("asker", Smol, connect(&cluster, 2).await?).build()?;
        let seen = doubles(&worker).await?;
        let ask = async |number: u32| {
            let asked = asker.service(&service).request("double", &number.to_string()).await;
            assert_eq!(asked.is_ok(), seen.lock().expect("no panic").contains(&number));
            asked
        };
        ask(0).await?;
        begin_to_move(&cluster, &slot);
        ask(1).await?;
        let port = cluster.port(1).to_string();
        let (turns, members) = (format!("{key}.t.double"), format!("{key}.m.double"));
        let to = ["MIGRATE", "127.0.0.1", &port, "", "0", "5000", "KEYS", &turns, &members];
        assert_eq!(cluster.waits_for(0, &to), "+OK\r\n");
        for number in 2..10 {
            let error = ask(number).await.map(drop).expect_err("its keys are on their way");
            assert_eq!((error.kind(), error.executed()), (ErrorKind::NoReceivers, Executed::No));
        }
        end_moving(&cluster, &slot);
        let mut number = 10;
        while let Err(error) = ask(number).await {
            assert_eq!((error.kind(), error.executed()), (ErrorKind::NoReceivers, Executed::No));
            number += 1;
        }
        ask(number + 1).await?;
        Ok(())
    })
}
