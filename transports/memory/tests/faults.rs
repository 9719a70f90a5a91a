//! Faults on purpose do what they say, as their seed says, and end when they are ended.

use std::{sync::Arc, time::Duration};

use conduit::{
    InstanceId,
    transport::{Address, Packet, Subscription, Targets, Transport, TransportErrorKind},
};
use conduit_memory::{Delay, FaultCounts, FaultPlan, Faults, Memory, MemorySubscription};
use conduit_sim::Sim;
use futures_lite::{StreamExt, future};

fn subject() -> Address {
    Address::Subject {
        service: "service".parse().expect("a name"),
        subject: "subject".parse().expect("a subject"),
        targets: Targets::Plain,
    }
}

fn inbox() -> Address {
    Address::Inbox {
        service: "service".parse().expect("a name"),
        instance: InstanceId::from_bytes([1; InstanceId::LEN]),
    }
}

async fn publish(memory: &Memory, to: &Address, numbers: impl IntoIterator<Item = u8>) {
    for number in numbers {
        memory.publish(to, vec![number].into(), None).await.expect("it is open");
    }
}

/// What is there now.
async fn waiting(subscription: &mut MemorySubscription) -> Vec<u8> {
    let mut numbers = Vec::new();
    while let Some(Some(Packet::Data(packet))) = future::poll_once(subscription.next()).await {
        numbers.push(packet[0]);
    }
    numbers
}

/// What 200 packets become under some faults, and how these were counted.
fn run(seed: u64, faults: Faults) -> (Vec<u8>, FaultCounts) {
    let sim = Sim::new(seed);
    sim.block_on(async {
        let memory = Memory::new();
        let mut subscription = memory.subscribe(&subject()).await.expect("it is open");
        memory.inject_faults(FaultPlan::new(sim.clone(), seed).on_the_rest(faults));
        publish(&memory, &subject(), 0..200).await;
        sim.sleep(Duration::from_secs(10)).await;
        (waiting(&mut subscription).await, memory.fault_counts())
    })
}

#[test]
fn a_seed_decides_which_packets_are_lost() {
    let faults = Faults::new().drop(0.3);
    let (numbers, counts) = run(1, faults.clone());
    assert!(counts.dropped > 30 && counts.dropped < 90, "{counts:?}");
    assert_eq!((numbers.len() as u64 + counts.dropped, counts.published), (200, 200));
    assert!(numbers.is_sorted(), "order is kept: {numbers:?}");
    assert_eq!(run(1, faults.clone()).0, numbers);
    assert_ne!(run(2, faults).0, numbers);
}

#[test]
fn packets_come_twice() {
    let (numbers, counts) = run(1, Faults::new().duplicate(0.3));
    assert!(counts.duplicated > 30 && counts.duplicated < 90, "{counts:?}");
    assert_eq!(numbers.len() as u64, 200 + counts.duplicated);
    assert!((0..200).all(|number| numbers.contains(&number)));
}

#[test]
fn packets_are_damaged() {
    let (numbers, counts) = run(1, Faults::new().damage(0.3));
    let wrong = (0..200).zip(&numbers).filter(|(sent, came)| sent != *came);
    let wrong: Vec<_> = wrong.map(|(sent, came)| (sent ^ came).count_ones()).collect();
    assert_eq!(numbers.len(), 200);
    assert!(wrong.len() > 30 && wrong.len() < 90, "{counts:?}");
    assert_eq!(counts.damaged, wrong.len() as u64);
    assert!(wrong.iter().all(|bits| *bits == 1), "{wrong:?}");
}

#[test]
fn packets_are_late_in_order() {
    for delay in [
        Delay::Fixed(Duration::from_millis(3)),
        Delay::Uniform(Duration::from_millis(1), Duration::from_millis(50)),
        Delay::Exponential(Duration::from_millis(20)),
    ] {
        let (numbers, counts) = run(1, Faults::new().delay(delay));
        assert_eq!(numbers, (0..200).collect::<Vec<_>>(), "{delay:?}");
        assert_eq!(counts.delayed, 200);
    }
}

#[test]
fn packets_overtake_each_other() {
    let by = Duration::from_millis(50);
    let (mut numbers, counts) = run(1, Faults::new().reorder(0.2, by));
    assert!(counts.reordered > 20, "{counts:?}");
    assert!(!numbers.is_sorted());
    numbers.sort_unstable();
    assert_eq!(numbers, (0..200).collect::<Vec<_>>());
}

#[test]
fn a_delay_takes_its_time_and_the_end_of_faults_takes_none() {
    let sim = Sim::new(1);
    sim.block_on(async {
        let memory = Memory::new();
        let mut subscription = memory.subscribe(&subject()).await.expect("it is open");
        let late = Faults::new().delay(Delay::Fixed(Duration::from_secs(1)));
        memory.inject_faults(FaultPlan::new(sim.clone(), 1).on_the_rest(late));
        publish(&memory, &subject(), [1]).await;
        sim.sleep(Duration::from_millis(999)).await;
        assert_eq!(waiting(&mut subscription).await, [0_u8; 0]);
        sim.sleep(Duration::from_millis(1)).await;
        assert_eq!(subscription.next().await, Some(Packet::Data(vec![1].into())));
        publish(&memory, &subject(), [2, 3]).await;
        memory.end_faults();
        publish(&memory, &subject(), [4]).await;
        assert_eq!(waiting(&mut subscription).await, [2, 3, 4]);
        assert_eq!(sim.elapsed(), Duration::from_secs(1));
    });
}

#[test]
fn a_plan_picks_its_packets() {
    let sim = Sim::new(1);
    sim.block_on(async {
        let memory = Memory::new();
        let mut at_subject = memory.subscribe(&subject()).await.expect("it is open");
        let mut at_inbox = memory.subscribe(&inbox()).await.expect("it is open");
        let plan = FaultPlan::new(sim.clone(), 1)
            .on(|_, packet| packet == [2], Faults::new())
            .on(|to, _| matches!(to, Address::Inbox { .. }), Faults::new().drop(1.0));
        memory.inject_faults(plan);
        publish(&memory, &subject(), [1, 2, 3]).await;
        publish(&memory, &inbox(), [1, 2, 3]).await;
        assert_eq!(waiting(&mut at_subject).await, [1, 2, 3]);
        assert_eq!(waiting(&mut at_inbox).await, [2]);
    });
}

#[test]
fn a_restart_loses_what_is_on_its_way_and_renews_subscriptions() {
    let sim = Sim::new(1);
    sim.block_on(async {
        let memory = Memory::new();
        let other = memory.clone();
        let mut subscription = memory.subscribe(&subject()).await.expect("it is open");
        let late = Faults::new().delay(Delay::Fixed(Duration::from_secs(1)));
        publish(&memory, &subject(), [1]).await;
        memory.inject_faults(FaultPlan::new(sim.clone(), 1).on_the_rest(late));
        publish(&memory, &subject(), [2]).await;
        memory.stop_broker();
        assert_eq!(memory.subscriptions(), 0);
        let connected_while_stopped = memory.clone();
        let late_publish = sim.process().run(async move {
            publish(&other, &subject(), [3]).await;
            publish(&connected_while_stopped, &subject(), [4]).await;
        });
        sim.sleep(Duration::from_secs(60)).await;
        assert!(future::poll_once(memory.flush()).await.is_none(), "it waits");
        memory.start_broker();
        assert_eq!(memory.subscriptions(), 1);
        memory.flush().await.expect("it is open");
        late_publish.await;
        sim.sleep(Duration::from_secs(2)).await;
        assert_eq!(waiting(&mut subscription).await, [3, 4]);
    });
}

#[test]
fn one_connection_breaks_and_is_mended() {
    let sim = Sim::new(1);
    sim.block_on(async {
        let memory = Memory::new();
        let other = memory.clone();
        let link = other.link();
        let mut here = memory.subscribe(&subject()).await.expect("it is open");
        let mut there = other.subscribe(&subject()).await.expect("it is open");
        link.disconnect();
        publish(&memory, &subject(), [1]).await;
        assert!(future::poll_once(publish(&other, &subject(), [9])).await.is_none());
        assert!(future::poll_once(other.ready(&subject())).await.is_none(), "it waits");
        let mut kept = Some([9].to_vec().into());
        let refused = other.hand_over(&subject(), &mut kept, None).await;
        let error = refused.expect_err("there is no connection");
        assert_eq!((error.kind(), kept.is_some()), (TransportErrorKind::Disconnected, true));
        let mut left = there;
        let error = left.leave().await.expect_err("there is no connection");
        assert_eq!(error.kind(), TransportErrorKind::Disconnected);
        there = other.subscribe(&subject()).await.expect("it is open");
        memory.stop_broker();
        memory.start_broker();
        publish(&memory, &subject(), [2]).await;
        link.reconnect();
        publish(&other, &subject(), [3]).await;
        assert_eq!(waiting(&mut here).await, [2, 3]);
        assert_eq!(waiting(&mut there).await, [3]);
        assert_eq!(waiting(&mut left).await, [0_u8; 0]);
    });
}

#[test]
fn one_connection_is_cut_off_and_nobody_knows() {
    let sim = Sim::new(1);
    sim.block_on(async {
        let memory = Memory::builder().subscription_capacity(2).build();
        let other = memory.clone();
        let link = other.link();
        let mut here = memory.subscribe(&subject()).await.expect("it is open");
        let mut there = other.subscribe(&subject()).await.expect("it is open");
        publish(&memory, &subject(), [1]).await;
        link.cut();
        assert_eq!(memory.subscriptions(), 2);
        publish(&other, &subject(), [2]).await;
        publish(&memory, &subject(), [3]).await;
        assert_eq!(waiting(&mut here).await, [1, 3]);
        publish(&memory, &subject(), [4]).await;
        link.heal();
        publish(&memory, &subject(), [5]).await;
        assert_eq!(waiting(&mut here).await, [4, 5]);
        assert_eq!(waiting(&mut there).await, [1, 5]);
    });
}

#[test]
fn nothing_of_a_plan_is_left_when_its_broker_is_gone() {
    let sim = Sim::new(1);
    sim.block_on(async {
        let memory = Memory::new();
        let guard = Arc::new(());
        let weak = Arc::downgrade(&guard);
        let late = Faults::new().delay(Delay::Fixed(Duration::from_secs(60)));
        let plan = FaultPlan::new(sim.clone(), 1).on(move |_, _| guard.as_ref() == &(), late);
        memory.inject_faults(plan);
        publish(&memory, &subject(), [1]).await;
        sim.sleep(Duration::from_secs(1)).await;
        drop(memory);
        assert!(weak.upgrade().is_none());
    });
}

#[test]
fn what_a_connection_receives_waits_for_what_came_before() {
    let sim = Sim::new(1);
    sim.block_on(async {
        let memory = Memory::new();
        let other = memory.clone();
        let mut subscription = memory.subscribe(&subject()).await.expect("it is open");
        let mut same = memory.subscribe(&inbox()).await.expect("it is open");
        let mut beside = other.subscribe(&subject()).await.expect("it is open");
        memory.inject_faults(FaultPlan::new(sim.clone(), 1).receiving_bandwidth(1));
        publish(&memory, &subject(), 0..3).await;
        publish(&memory, &inbox(), 3..5).await;
        sim.sleep(Duration::from_millis(3500)).await;
        assert_eq!(waiting(&mut subscription).await, [0, 1, 2]);
        assert_eq!(waiting(&mut beside).await, [0, 1, 2]);
        assert_eq!(waiting(&mut same).await, [0_u8; 0]);
        sim.sleep(Duration::from_secs(1)).await;
        assert_eq!(waiting(&mut same).await, [3]);
        memory.end_faults();
        assert_eq!(waiting(&mut same).await, [4]);
    });
}
