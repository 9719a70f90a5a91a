//! Packet lengths, what a subscription may ask for, and when things are in force.

use conduit::transport::{MIN_PACKET_LEN, Targets, Transport, TransportErrorKind};
use conduit_memory::Memory;
use futures_lite::{StreamExt, future::block_on};

use crate::common::{TestResult, both, bytes, data, now, plain, subject, waiting};

#[test]
fn the_longest_packet_passes_and_one_byte_more_does_not() -> TestResult {
    block_on(async {
        for memory in [Memory::new(), Memory::builder().max_packet_len(20_000).build()] {
            let longest = memory.max_packet_len();
            let mut subscription = memory.subscribe(&plain()).await?;
            memory.publish(&plain(), vec![1; longest].into(), None).await?;
            let refused = memory.publish(&plain(), vec![1; longest + 1].into(), None).await;
            let kind = refused.map_err(|error| error.kind());
            assert_eq!(kind, Err(TransportErrorKind::TooLarge));
            assert!(subscription.next().await.is_some());
            assert_eq!(waiting(&mut subscription), []);
        }
        Ok(())
    })
}

#[test]
fn limits_have_defaults_and_a_least_value() -> TestResult {
    assert_eq!(Memory::new().max_packet_len(), 1024 * 1024);
    assert_eq!(Memory::builder().max_packet_len(1).build().max_packet_len(), MIN_PACKET_LEN);

    let memory = Memory::builder().subscription_capacity(0).build();
    let mut subscription = block_on(memory.subscribe(&plain()))?;
    now(memory.publish(&plain(), bytes(0), None)).expect("no wait")?;
    assert_eq!(waiting(&mut subscription), data([0]));

    let memory = Memory::new();
    let _unread = block_on(memory.subscribe(&plain()))?;
    for packet in 0..65_536 {
        now(memory.publish(&plain(), bytes(packet), None)).expect("no wait")?;
    }
    assert!(now(memory.publish(&plain(), bytes(65_536), None)).is_none());
    Ok(())
}

#[test]
fn a_subscription_is_of_one_kind() {
    let memory = Memory::new();
    let refused = block_on(memory.subscribe(&both())).map(drop);
    assert_eq!(refused.map_err(|error| error.kind()), Err(TransportErrorKind::Other));
    assert_eq!(memory.subscriptions(), 0);
}

#[test]
fn a_subscription_is_in_force_and_a_packet_routed_on_return() -> TestResult {
    let memory = Memory::new();
    let other = memory.clone();
    let mut subscription = now(memory.subscribe(&plain())).expect("no wait")?;
    now(other.publish(&plain(), bytes(0), None)).expect("no wait")?;
    now(memory.flush()).expect("no wait")?;
    assert_eq!(waiting(&mut subscription), data([0]));
    Ok(())
}

#[test]
fn subscriptions_and_packets_are_counted_for_the_whole_broker() -> TestResult {
    block_on(async {
        let memory = Memory::new();
        let other = memory.clone();
        let one = memory.subscribe(&plain()).await?;
        let two = other.subscribe(&plain()).await?;
        let three = other.subscribe(&subject("subject", Targets::Group)).await?;
        memory.publish(&both(), bytes(0), None).await?;
        for memory in [&memory, &other] {
            assert_eq!((memory.subscriptions(), memory.queued()), (3, 3));
        }
        drop((one, two, three));
        assert_eq!((memory.subscriptions(), memory.queued()), (0, 0));
        Ok(())
    })
}
