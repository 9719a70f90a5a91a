//! One publisher's packets stay in order, and none is repeated.

use std::thread;

use conduit::transport::{Packet, Targets, Transport};
use conduit_memory::Memory;
use futures_lite::{StreamExt, future::block_on};

use crate::common::{TestResult, bytes, data, group, plain, subject, waiting};

#[test]
fn packets_keep_their_order_whatever_their_targets() -> TestResult {
    block_on(async {
        let memory = Memory::new();
        let mut listener = memory.subscribe(&plain()).await?;
        let mut member = memory.subscribe(&subject("subject", Targets::Group)).await?;
        let targets = [Targets::Both, Targets::Plain, Targets::Group];
        for (packet, targets) in (0..9).zip(targets.into_iter().cycle()) {
            memory.publish(&subject("subject", targets), bytes(packet), None).await?;
        }
        assert_eq!(waiting(&mut listener), data([0, 1, 3, 4, 6, 7]));
        assert_eq!(waiting(&mut member), data([0, 2, 3, 5, 6, 8]));
        Ok(())
    })
}

/// Through queues of 4 packets, so that publishers wait and are woken thousands of times.
#[test]
fn every_publisher_s_packets_arrive_once_and_in_order() -> TestResult {
    const PUBLISHERS: u32 = 3;
    const PACKETS: u32 = 5_000;

    let memory = Memory::builder().subscription_capacity(4).build();
    let subscriptions =
        [block_on(memory.subscribe(&plain()))?, block_on(memory.clone().subscribe(&plain()))?];
    thread::scope(|scope| {
        let readers = subscriptions.map(|subscription| {
            scope.spawn(move || {
                let count = (PUBLISHERS * PACKETS) as usize;
                block_on(subscription.take(count).collect::<Vec<_>>())
            })
        });
        for publisher in 0..PUBLISHERS {
            let memory = memory.clone();
            scope.spawn(move || {
                for packet in 0..PACKETS {
                    let packet = bytes(publisher * PACKETS + packet);
                    block_on(memory.publish(&plain(), packet, None)).expect("a publish");
                }
            });
        }
        for reader in readers {
            let packets = reader.join().expect("a reader");
            for publisher in 0..PUBLISHERS {
                let sent = publisher * PACKETS..(publisher + 1) * PACKETS;
                let got = packets.iter().filter_map(number).filter(|packet| sent.contains(packet));
                assert!(got.eq(sent.clone()), "of publisher {publisher}");
            }
        }
    });
    assert_eq!(memory.queued(), 0);
    Ok(())
}

/// Packets to a group through full queues: all of them, each once.
#[test]
fn a_group_shares_a_load_that_is_more_than_it_holds() -> TestResult {
    const PACKETS: u32 = 10_000;
    const LAST: u32 = u32::MAX;

    let memory = Memory::builder().subscription_capacity(2).build();
    let group = group();
    let members = [
        block_on(memory.subscribe(&group))?,
        block_on(memory.subscribe(&group))?,
        block_on(memory.subscribe(&group))?,
    ];
    let mut got = thread::scope(|scope| {
        let last = Packet::Data(bytes(LAST));
        let until_last = move |packet: &Packet| *packet != last;
        let readers = members.map(|member| {
            let until_last = until_last.clone();
            scope.spawn(|| block_on(member.take_while(until_last).collect::<Vec<_>>()))
        });
        for packet in 0..PACKETS {
            block_on(memory.publish(&group, bytes(packet), None)).expect("a publish");
        }
        // A member that reads the last packet is dropped, so that another one gets the next.
        while memory.subscriptions() > 0 {
            block_on(memory.publish(&group, bytes(LAST), None)).expect("a publish");
        }
        readers.map(|reader| reader.join().expect("a reader")).concat()
    });
    got.sort_by_key(number);
    assert_eq!(got, data(0..PACKETS));
    Ok(())
}

fn number(packet: &Packet) -> Option<u32> {
    let Packet::Data(bytes) = packet else {
        return None;
    };
    Some(u32::from_be_bytes(bytes[..].try_into().ok()?))
}
