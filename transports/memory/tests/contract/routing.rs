//! Who gets a packet.

use conduit::transport::{Address, Packet, Targets, Transport, TransportErrorKind};
use conduit_memory::{Memory, MemorySubscription};
use futures_lite::future::block_on;

use crate::common::{
    TestResult, both, bytes, control, data, group, inbox, plain, subject, waiting,
};

fn subscribe(memory: &Memory, at: &Address) -> MemorySubscription {
    block_on(memory.subscribe(at)).expect("a subscription")
}

fn publish(memory: &Memory, to: &Address, packet: u32) {
    block_on(memory.publish(to, bytes(packet), None)).expect("a publish");
}

#[test]
fn plain_subscriptions_each_get_every_packet() {
    let memory = Memory::new();
    let other = memory.clone();
    let mut own = subscribe(&memory, &plain());
    let mut second = subscribe(&memory, &plain());
    let mut remote = subscribe(&other, &plain());
    let mut member = subscribe(&other, &group());
    publish(&memory, &plain(), 1);
    publish(&memory, &plain(), 2);
    for subscription in [&mut own, &mut second, &mut remote] {
        assert_eq!(waiting(subscription), data([1, 2]));
    }
    assert_eq!(waiting(&mut member), []);
}

#[test]
fn members_of_a_group_take_turns() {
    let memory = Memory::new();
    let mut members = [
        subscribe(&memory, &group()),
        subscribe(&memory.clone(), &group()),
        subscribe(&memory.clone(), &group()),
    ];
    let mut bystander = subscribe(&memory, &plain());
    (0..7).for_each(|packet| publish(&memory, &group(), packet));
    assert_eq!(waiting(&mut members[0]), data([0, 3, 6]));
    assert_eq!(waiting(&mut members[1]), data([1, 4]));
    assert_eq!(waiting(&mut members[2]), data([2, 5]));
    assert_eq!(waiting(&mut bystander), []);
}

#[test]
fn turns_go_on_when_members_come_and_go() {
    let memory = Memory::new();
    let mut first = subscribe(&memory, &group());
    let second = subscribe(&memory, &group());
    let mut third = subscribe(&memory, &group());
    publish(&memory, &group(), 0);
    publish(&memory, &group(), 1);
    drop(second);
    publish(&memory, &group(), 2);
    let mut fourth = subscribe(&memory, &group());
    (3..6).for_each(|packet| publish(&memory, &group(), packet));
    assert_eq!(waiting(&mut first), data([0, 4]));
    assert_eq!(waiting(&mut third), data([2, 5]));
    assert_eq!(waiting(&mut fourth), data([3]));
}

#[test]
fn a_packet_for_both_reaches_every_plain_one_and_one_member() {
    let memory = Memory::new();
    let mut plains = [subscribe(&memory, &plain()), subscribe(&memory.clone(), &plain())];
    let mut members = [subscribe(&memory, &group()), subscribe(&memory.clone(), &group())];
    (0..4).for_each(|packet| publish(&memory, &both(), packet));
    for subscription in &mut plains {
        assert_eq!(waiting(subscription), data(0..4));
    }
    assert_eq!(waiting(&mut members[0]), data([0, 2]));
    assert_eq!(waiting(&mut members[1]), data([1, 3]));
}

#[test]
fn a_packet_for_both_is_content_with_either() {
    let memory = Memory::new();
    let mut only = subscribe(&memory, &group());
    publish(&memory, &both(), 1);
    assert_eq!(waiting(&mut only), data([1]));
    drop(only);
    let mut only = subscribe(&memory, &plain());
    publish(&memory, &both(), 2);
    assert_eq!(waiting(&mut only), data([2]));
}

#[test]
fn subjects_and_services_are_apart() -> TestResult {
    let memory = Memory::new();
    let mut here = subscribe(&memory, &plain());
    let mut longer = subscribe(&memory, &subject("subject.more", Targets::Plain));
    let elsewhere = Address::Subject {
        service: "other".parse()?,
        subject: "subject".parse()?,
        targets: Targets::Plain,
    };
    let mut elsewhere_too = subscribe(&memory, &elsewhere);
    publish(&memory, &elsewhere, 1);
    publish(&memory, &subject("subject.more", Targets::Plain), 2);
    publish(&memory, &plain(), 3);
    assert_eq!(waiting(&mut here), data([3]));
    assert_eq!(waiting(&mut longer), data([2]));
    assert_eq!(waiting(&mut elsewhere_too), data([1]));
    Ok(())
}

#[test]
fn an_inbox_is_one_instance_s() {
    let memory = Memory::new();
    let other = memory.clone();
    let mut one = subscribe(&memory, &inbox(1));
    let mut two = subscribe(&other, &inbox(2));
    publish(&other, &inbox(1), 1);
    publish(&other, &inbox(2), 2);
    assert_eq!(waiting(&mut one), data([1]));
    assert_eq!(waiting(&mut two), data([2]));
}

#[test]
fn nobody_else_can_listen_at_an_inbox() -> TestResult {
    let memory = Memory::new();
    let other = memory.clone();
    let mut own = subscribe(&memory, &inbox(1));
    let denied = block_on(other.subscribe(&inbox(1))).map(drop);
    assert_eq!(denied.map_err(|error| error.kind()), Err(TransportErrorKind::Denied));
    publish(&other, &inbox(1), 1);
    assert_eq!(waiting(&mut own), data([1]));
    drop(own);
    block_on(other.subscribe(&inbox(1)))?;
    Ok(())
}

#[test]
fn control_reaches_every_instance_of_the_service() {
    let memory = Memory::new();
    let mut one = subscribe(&memory, &control("service"));
    let mut two = subscribe(&memory.clone(), &control("service"));
    let mut other = subscribe(&memory, &control("other"));
    publish(&memory, &control("service"), 1);
    assert_eq!(waiting(&mut one), data([1]));
    assert_eq!(waiting(&mut two), data([1]));
    assert_eq!(waiting(&mut other), []);
}

#[test]
fn packets_arrive_as_they_were() {
    let memory = Memory::new();
    let mut subscription = subscribe(&memory, &plain());
    let packets = [vec![], vec![0], (0..=255).cycle().take(1 << 20).collect()];
    for packet in packets.clone() {
        block_on(memory.publish(&plain(), packet.into(), None)).expect("a publish");
    }
    assert_eq!(waiting(&mut subscription), packets.map(|packet| Packet::Data(packet.into())));
}

#[test]
fn two_brokers_do_not_hear_each_other() {
    let mut here = subscribe(&Memory::new(), &plain());
    publish(&Memory::new(), &plain(), 1);
    assert_eq!(waiting(&mut here), []);
}
