//! A full subscription makes its publishers wait, and nobody else.

use conduit::transport::{Subscription, Targets, Transport, TransportErrorKind};
use conduit_memory::{Memory, MemorySubscription};
use futures_lite::future::block_on;

use crate::common::{TestResult, bytes, data, group, now, park, plain, subject, waiting};

/// A broker whose subscriptions hold one packet.
fn tight() -> Memory {
    Memory::builder().subscription_capacity(1).build()
}

#[test]
fn the_bound_is_the_one_that_was_asked_for() -> TestResult {
    let memory = Memory::builder().subscription_capacity(3).build();
    let mut subscription = block_on(memory.subscribe(&plain()))?;
    for packet in 0..3 {
        assert!(now(memory.publish(&plain(), bytes(packet), None)).is_some());
    }
    assert!(now(memory.publish(&plain(), bytes(3), None)).is_none());
    assert_eq!(memory.queued(), 3);
    assert_eq!(waiting(&mut subscription), data(0..3));
    Ok(())
}

#[test]
fn reading_wakes_the_publisher() -> TestResult {
    block_on(async {
        let memory = tight();
        let mut subscription = memory.subscribe(&plain()).await?;
        memory.publish(&plain(), bytes(0), None).await?;
        let to = plain();
        let mut publish = Box::pin(memory.publish(&to, bytes(1), None));
        let woken = park(&mut publish);
        assert_eq!(waiting(&mut subscription), data([0]));
        assert!(woken.get());
        publish.await?;
        assert_eq!(waiting(&mut subscription), data([1]));
        Ok(())
    })
}

#[test]
fn a_publish_dropped_while_it_waits_has_published_nothing() -> TestResult {
    block_on(async {
        let memory = tight();
        let mut full = memory.subscribe(&plain()).await?;
        memory.publish(&plain(), bytes(0), None).await?;
        let mut free = memory.subscribe(&plain()).await?;
        assert!(now(memory.publish(&plain(), bytes(1), None)).is_none());
        assert_eq!(waiting(&mut full), data([0]));
        assert_eq!(waiting(&mut free), []);
        memory.publish(&plain(), bytes(2), None).await?;
        assert_eq!(waiting(&mut full), data([2]));
        assert_eq!(waiting(&mut free), data([2]));
        Ok(())
    })
}

/// The first to be woken may be gone, or be waiting for another queue by then.
#[test]
fn every_waiting_publisher_is_woken() -> TestResult {
    block_on(async {
        let memory = tight();
        let mut listener = memory.subscribe(&plain()).await?;
        let mut member = memory.subscribe(&group()).await?;
        let both = subject("subject", Targets::Both);
        memory.publish(&both, bytes(0), None).await?;

        let plain = plain();
        let mut dropped = Box::pin(memory.publish(&plain, bytes(9), None));
        let mut for_both = Box::pin(memory.publish(&both, bytes(2), None));
        let mut for_plain = Box::pin(memory.publish(&plain, bytes(1), None));
        let woken = [park(&mut dropped), park(&mut for_both), park(&mut for_plain)];

        assert_eq!(waiting(&mut listener), data([0]));
        assert!(woken.iter().all(|publisher| publisher.get()));
        drop(dropped);
        let woken = park(&mut for_both);
        for_plain.await?;
        assert_eq!(waiting(&mut listener), data([1]));
        assert_eq!(waiting(&mut member), data([0]));
        assert!(woken.get());
        for_both.await?;
        assert_eq!(waiting(&mut listener), data([2]));
        assert_eq!(waiting(&mut member), data([2]));
        Ok(())
    })
}

#[test]
fn dropping_the_full_subscription_wakes_the_publisher() -> TestResult {
    release(drop)
}

#[test]
fn leaving_with_the_full_subscription_wakes_the_publisher() -> TestResult {
    release(|mut subscription| {
        block_on(subscription.leave()).expect("leave never fails");
        assert_eq!(waiting(&mut subscription), data([0]));
    })
}

/// Has a publisher wait until `act` has let go of the full subscription.
fn release(act: impl FnOnce(MemorySubscription)) -> TestResult {
    block_on(async {
        let memory = tight();
        let full = memory.clone().subscribe(&plain()).await?;
        let mut free = memory.subscribe(&plain()).await?;
        memory.publish(&plain(), bytes(0), None).await?;
        assert_eq!(waiting(&mut free), data([0]));

        let to = plain();
        let mut publish = Box::pin(memory.publish(&to, bytes(1), None));
        let woken = park(&mut publish);
        act(full);
        assert!(woken.get());
        publish.await?;
        assert_eq!(waiting(&mut free), data([1]));
        Ok(())
    })
}

#[test]
fn closing_either_side_wakes_the_publisher() -> TestResult {
    block_on(async {
        let subscriber = tight();
        let publisher = subscriber.clone();
        let third = subscriber.clone();
        let _full = subscriber.subscribe(&plain()).await?;
        publisher.publish(&plain(), bytes(0), None).await?;

        let to = plain();
        let mut of_publisher = Box::pin(publisher.publish(&to, bytes(1), None));
        let mut of_third = Box::pin(third.publish(&to, bytes(2), None));
        let (first, second) = (park(&mut of_publisher), park(&mut of_third));

        publisher.close().await;
        assert!(first.get() && second.get());
        let closed = of_publisher.await.map_err(|error| error.kind());
        assert_eq!(closed, Err(TransportErrorKind::Closed));
        assert!(now(&mut of_third).is_none(), "the other connection waits on");
        subscriber.close().await;
        of_third.await?;
        Ok(())
    })
}

#[test]
fn a_full_member_is_passed_over_while_another_has_room() -> TestResult {
    block_on(async {
        let memory = tight();
        let mut members = [memory.subscribe(&group()).await?, memory.subscribe(&group()).await?];
        memory.publish(&group(), bytes(0), None).await?;
        memory.publish(&group(), bytes(1), None).await?;
        assert_eq!(waiting(&mut members[1]), data([1]));
        memory.publish(&group(), bytes(2), None).await?;
        assert_eq!(waiting(&mut members[1]), data([2]), "it was the first one's turn");
        assert_eq!(waiting(&mut members[0]), data([0]));
        Ok(())
    })
}

#[test]
fn a_new_member_relieves_a_full_group() -> TestResult {
    block_on(async {
        let memory = tight();
        let _full = memory.subscribe(&group()).await?;
        memory.publish(&group(), bytes(0), None).await?;
        let to = group();
        let mut publish = Box::pin(memory.publish(&to, bytes(1), None));
        let woken = park(&mut publish);
        let mut relief = memory.subscribe(&group()).await?;
        assert!(woken.get());
        publish.await?;
        assert_eq!(waiting(&mut relief), data([1]));
        Ok(())
    })
}

#[test]
fn a_full_subscription_holds_up_no_other_address() -> TestResult {
    let memory = tight();
    let _full = block_on(memory.subscribe(&plain()))?;
    block_on(memory.publish(&plain(), bytes(0), None))?;
    let to = plain();
    let mut stuck = Box::pin(memory.publish(&to, bytes(1), None));
    park(&mut stuck);

    let elsewhere = subject("elsewhere", Targets::Plain);
    let mut subscription = now(memory.subscribe(&elsewhere)).expect("no wait")?;
    now(memory.publish(&elsewhere, bytes(2), None)).expect("no wait")?;
    now(memory.flush()).expect("no wait")?;
    assert_eq!(waiting(&mut subscription), data([2]));
    Ok(())
}
