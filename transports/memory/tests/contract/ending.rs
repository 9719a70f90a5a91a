//! How subscriptions and connections end.

use conduit::transport::{Subscription, Transport, TransportErrorKind};
use conduit_memory::Memory;
use futures_lite::{StreamExt, future::block_on};

use crate::common::{TestResult, bytes, control, data, ended, group, inbox, park, plain, waiting};

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
        assert_eq!(memory.publish(&plain(), bytes(1), None).await.err().map(|e| e.kind()), kind);
        assert_eq!(memory.publish(&plain(), too_large, None).await.err().map(|e| e.kind()), kind);
        assert_eq!(memory.subscribe(&plain()).await.err().map(|e| e.kind()), kind);
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
        assert_eq!(waiting(&mut subscription), data([2]), "a clone of a closed one is open");
        Ok(())
    })
}

#[test]
fn a_waiting_reader_is_woken_by_a_packet_and_by_the_end() -> TestResult {
    block_on(async {
        let memory = Memory::new();
        let mut first = memory.subscribe(&plain()).await?;
        let mut second = memory.subscribe(&plain()).await?;
        let readers = [park(&mut first.next()), park(&mut second.next())];
        memory.publish(&plain(), bytes(0), None).await?;
        assert!(readers.iter().all(|reader| reader.get()));
        assert_eq!(waiting(&mut first), data([0]));
        assert_eq!(waiting(&mut second), data([0]));

        let readers = [park(&mut first.next()), park(&mut second.next())];
        memory.close().await;
        assert!(readers.iter().all(|reader| reader.get()));
        assert!(ended(&mut first) && ended(&mut second));
        Ok(())
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
