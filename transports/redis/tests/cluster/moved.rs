//! Slots that move to another server, one or all of them.

use std::{collections::HashSet, sync::Arc, time::Duration};

use bytes::Bytes;
use conduit::{
    MessageId,
    transport::{Packet, Targets, Token, Transport, TransportErrorKind},
};

use crate::{
    connect, subject_of,
    support::{self, Cluster, Outcome, arrived, inbox},
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
