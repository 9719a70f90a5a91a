//! How subscriptions and connections end.

use std::thread;

use conduit::transport::{Packet, Subscription, Transport, TransportErrorKind};
use conduit_memory::Memory;
use futures_lite::{StreamExt, future::block_on};

use crate::common::{TestResult, bytes, control, data, ended, group, inbox, now, plain, waiting};

#[test]
fn what_was_routed_before_leaving_is_still_read() -> TestResult {
    block_on(async {
        let memory = Memory::new();
        let mut subscription = memory.subscribe(&plain()).await?;
        memory.publish(&plain(), bytes(0), None).await?;
        memory.publish(&plain(), bytes(1), None).await?;
        subscription.leave().await?;
        memory.publish(&plain(), bytes(2), None).await?;
        assert_eq!((memory.subscriptions(), memory.queued()), (0, 2));
        assert_eq!(subscription.next().await, data([0]).pop());
        subscription.leave().await?;
        assert_eq!(subscription.next().await, data([1]).pop());
        assert_eq!(subscription.next().await, None);
        assert_eq!(subscription.next().await, None);
        Ok(())
    })
}

#[test]
fn a_subject_is_subscribed_anew_while_it_is_left() -> TestResult {
    block_on(async {
        let memory = Memory::new();
        let mut old = memory.subscribe(&plain()).await?;
        memory.publish(&plain(), bytes(0), None).await?;
        old.leave().await?;
        let mut new = memory.subscribe(&plain()).await?;
        memory.publish(&plain(), bytes(1), None).await?;
        drop(old);
        memory.publish(&plain(), bytes(2), None).await?;
        assert_eq!(waiting(&mut new), data([1, 2]));
        Ok(())
    })
}

#[test]
fn a_group_loses_nothing_when_a_member_leaves() -> TestResult {
    block_on(async {
        let memory = Memory::new();
        let mut leaver = memory.subscribe(&group()).await?;
        let mut stayer = memory.subscribe(&group()).await?;
        for packet in 0..4 {
            memory.publish(&group(), bytes(packet), None).await?;
        }
        leaver.leave().await?;
        for packet in 4..6 {
            memory.publish(&group(), bytes(packet), None).await?;
        }
        assert_eq!(waiting(&mut leaver), data([0, 2]));
        assert_eq!(waiting(&mut stayer), data([1, 3, 4, 5]));
        Ok(())
    })
}

#[test]
fn dropping_forgets_what_was_not_read() -> TestResult {
    block_on(async {
        let memory = Memory::new();
        let subscription = memory.subscribe(&plain()).await?;
        memory.publish(&plain(), bytes(0), None).await?;
        assert_eq!((memory.subscriptions(), memory.queued()), (1, 1));
        drop(subscription);
        assert_eq!((memory.subscriptions(), memory.queued()), (0, 0));
        let mut next = memory.subscribe(&plain()).await?;
        assert_eq!(waiting(&mut next), []);
        Ok(())
    })
}

#[test]
fn after_closing_every_call_is_closed_and_subscriptions_end() -> TestResult {
    block_on(async {
        let memory = Memory::new();
        let other = memory.clone();
        let mut subscriptions = [
            memory.subscribe(&plain()).await?,
            memory.subscribe(&inbox(1)).await?,
            memory.subscribe(&control("service")).await?,
        ];
        other.publish(&plain(), bytes(0), None).await?;
        memory.close().await;
        memory.close().await;

        let kind = Some(TransportErrorKind::Closed);
        let too_large = vec![0; memory.max_packet_len() + 1].into();
        assert_eq!(
            memory
                .publish(&plain(), bytes(1), None)
                .await
                .err()
                .map(|e| e.kind()),
            kind
        );
        assert_eq!(
            memory
                .publish(&plain(), too_large, None)
                .await
                .err()
                .map(|e| e.kind()),
            kind
        );
        assert_eq!(
            memory.subscribe(&plain()).await.err().map(|e| e.kind()),
            kind
        );
        assert_eq!(memory.flush().await.err().map(|e| e.kind()), kind);
        for subscription in &mut subscriptions {
            assert!(ended(subscription));
            subscription.leave().await?;
        }
        assert_eq!((other.subscriptions(), other.queued()), (0, 0));
        Ok(())
    })
}

#[test]
fn what_was_published_before_closing_arrives_at_others() -> TestResult {
    block_on(async {
        let memory = Memory::new();
        let other = memory.clone();
        let mut subscription = other.subscribe(&plain()).await?;
        memory.publish(&plain(), bytes(0), None).await?;
        memory.close().await;
        other.publish(&plain(), bytes(1), None).await?;
        assert_eq!(waiting(&mut subscription), data([0, 1]));
        assert!(!ended(&mut subscription));

        let third = memory.clone();
        third.publish(&plain(), bytes(2), None).await?;
        assert_eq!(
            waiting(&mut subscription),
            data([2]),
            "a clone of a closed one is open"
        );
        Ok(())
    })
}

#[test]
fn a_waiting_reader_is_woken_by_a_packet() -> TestResult {
    let memory = Memory::new();
    let read = wake_reader(&memory, || {
        block_on(memory.publish(&plain(), bytes(0), None)).expect("a publish");
    })?;
    assert_eq!(read, data([0]).pop());
    Ok(())
}

#[test]
fn a_waiting_reader_is_woken_by_the_end() -> TestResult {
    let memory = Memory::new();
    assert_eq!(wake_reader(&memory, || block_on(memory.close()))?, None);
    Ok(())
}

/// What a reader, which waits on a thread of its own, gets once `act` has run.
fn wake_reader(
    memory: &Memory,
    act: impl FnOnce(),
) -> Result<Option<Packet>, Box<dyn std::error::Error>> {
    let mut subscription = block_on(memory.subscribe(&plain()))?;
    assert!(now(subscription.next()).is_none());
    thread::scope(|scope| {
        let reader = scope.spawn(|| block_on(subscription.next()));
        act();
        Ok(reader.join().expect("the reader"))
    })
}

#[test]
fn dropping_a_connection_does_not_end_its_subscriptions() -> TestResult {
    block_on(async {
        let memory = Memory::new();
        let other = memory.clone();
        let mut subscription = memory.subscribe(&plain()).await?;
        drop(memory);
        other.publish(&plain(), bytes(0), None).await?;
        drop(other);
        assert_eq!(waiting(&mut subscription), data([0]));
        Ok(())
    })
}
