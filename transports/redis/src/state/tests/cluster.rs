//! Servers of a cluster, which share the slots.

use conduit_socket::Host as Server;

use super::*;
use crate::slots::{Range, SLOTS};

const HALF: u16 = SLOTS / 2;

/// The half of the slots that a server has.
fn half(port: u16, number: u16) -> Range {
    let primary = Server { name: "host".into(), port, tls: false };
    Range { first: number * HALF, last: number * HALF + HALF - 1, primary }
}

/// A channel whose slot is in a half.
fn channel(number: u16, of: &str) -> String {
    let mut names = (0..).map(|suffix| format!("{of}{suffix}"));
    names.find(|name| slots::of(name) / HALF == number).expect("there are many")
}

/// Two servers with connections, and what the driver of the first sees.
fn two() -> (Driven, [NodeId; 2]) {
    let mut state = State::default();
    state.place(vec![half(1, 0), half(2, 1)]);
    let nodes: Vec<_> = state.servers().into_iter().map(|(id, _)| id).collect();
    for node in &nodes {
        state.begin(*node);
    }
    (Driven { state, node: nodes[0], news: News::default() }, [nodes[0], nodes[1]])
}

#[test]
fn each_slot_has_its_server() {
    let (mut driven, [one, two]) = two();
    let (first, second) = (channel(0, "a"), channel(1, "a"));
    let _tickets = (driven.subscribe(&first, None), driven.subscribe(&second, None));
    let _sent = driven.publish(&second, None).expect("connected");
    assert_eq!(driven.writes(), [format!("SSUBSCRIBE {first}")]);
    driven.node = two;
    assert_eq!(driven.writes(), [format!("SSUBSCRIBE {second}"), format!("SPUBLISH {second}")]);
    // One that is gone takes nothing of the other with it.
    State::break_off(&mut driven.state, two);
    assert_eq!(driven.publish(&second, None).err(), Some(Refused::Disconnected));
    assert!(driven.publish(&first, None).is_ok() && driven.state.is_known(one));
    assert!(driven.state.is_stale() && !driven.state.is_whole());
}

#[test]
fn a_server_is_driven_when_it_is_needed() {
    let mut state = State::default();
    state.place(vec![half(1, 0), half(2, 1)]);
    let opened = state.take_opening();
    assert_eq!(opened.len(), 1, "there is always one");
    for slot in [0, HALF, HALF + 1] {
        state.want(slot);
    }
    let opened = [opened, state.take_opening()].concat();
    let servers: Vec<_> = state.servers().into_iter().map(|(id, _)| id).collect();
    assert_eq!(opened, servers);
    // Who has it is asked again.
    state.place(vec![half(1, 0)]);
    assert!(!state.is_stale());
    state.want(HALF);
    assert!(state.is_stale());
}

#[test]
fn what_was_refused_is_told_not_sent_again() {
    let (mut driven, _) = two();
    let inbox = driven.subscribe(&channel(1, "inbox"), None);
    let to = channel(0, "to");
    for error in
        ["MOVED 1 host:3", "CLUSTERDOWN Hash slot not served", "ASK 1 host:3", "TRYAGAIN x"]
    {
        let sent = driven.publish(&to, Some(&inbox.channel)).expect("connected");
        driven.says(Reply::Error(error.into())).expect("expected");
        assert_eq!(packets(&inbox), [Some(Packet::Undelivered(TOKEN))], "{error}");
        let is_redirected = error.starts_with("MOVED") || error.starts_with("CLUSTER");
        let told = if is_redirected { None } else { Some(Ok(())) };
        assert_eq!(said(sent), Some(told), "whether it is permitted elsewhere: {error}");
        driven.says(Reply::List(vec![text("role"), text("master")])).expect("expected");
    }
    assert!(driven.state.is_stale());
    let written = driven.writes();
    assert_eq!(written.iter().filter(|command| command.starts_with("SPUBLISH")).count(), 4);
}

#[test]
fn a_script_that_failed_amid_its_work_has_told_nothing() {
    let (mut driven, _) = two();
    let inbox = driven.subscribe(&channel(1, "inbox"), None);
    let _sent = driven.publish(&channel(0, "to"), Some(&inbox.channel)).expect("connected");
    let error = "CLUSTERDOWN The cluster is down script: afb6, on @user_script:12.";
    driven.says(Reply::Error(error.into())).expect("expected");
    assert_eq!(packets(&inbox), []);
}

#[test]
fn only_a_primary_knows_that_nobody_got_it() {
    let (mut driven, _) = two();
    let inbox = driven.subscribe(&channel(1, "inbox"), None);
    for (role, noticed) in [("replica", None), ("master", Some(Some(Packet::Undelivered(TOKEN))))] {
        let _sent = driven.publish(&channel(0, "to"), Some(&inbox.channel)).expect("connected");
        driven.says(Reply::Number(0)).expect("expected");
        assert_eq!(driven.writes().last().map(String::as_str), Some("HELLO"));
        assert_eq!(packets(&inbox), [], "it is not known to be a primary");
        let hello = vec![text("proto"), Reply::Number(3), text("role"), text(role)];
        driven.says(Reply::List(hello)).expect("expected");
        assert_eq!(packets(&inbox), noticed.into_iter().collect::<Vec<_>>(), "{role}");
        assert!(driven.state.is_stale(), "a replica has no slots");
    }
}

/// Publishes to the group at a channel, with a notice.
fn publish_to_group(driven: &mut Driven, to: &str, inbox: &Ticket) -> Result<(), Refused> {
    driven.state.publish(Outgoing {
        slot: slots::of(to),
        head: &command::without_the_last(&[b"EVALSHA"]),
        packet: b"packet",
        by_script: true,
        undelivered: Some((Arc::clone(&inbox.channel), TOKEN)),
        purpose: Purpose::Told(to.into()),
    })
}

#[test]
fn a_script_needs_no_more_than_its_reply() {
    let (mut driven, _) = two();
    let inbox = driven.subscribe(&channel(1, "inbox"), None);
    let to = channel(0, "to");
    let sent = publish_to_group(&mut driven, &to, &inbox);
    assert_eq!((sent, driven.writes()), (Ok(()), vec!["EVALSHA packet".to_owned()]));
    driven.says(Reply::Number(0)).expect("expected");
    assert_eq!(packets(&inbox), [Some(Packet::Undelivered(TOKEN))]);
}

/// What a group says to it takes the connection to the server of the inbox.
#[test]
fn a_group_is_sent_what_plain_bindings_have_got_or_are_known_to_lack() {
    for (home, waits) in [(1, true), (0, false)] {
        let (mut driven, [one, two]) = two();
        let inbox = driven.subscribe(&channel(home, "inbox"), None);
        let (slot, to) = (slots::of(&channel(0, "to")), channel(0, "to"));
        let notice = (Arc::clone(&inbox.channel), TOKEN);
        driven.node = if home == 0 { one } else { two };
        driven.says(push(&["ssubscribe", &inbox.channel])).expect("expected");
        driven.node = one;
        let plain = Token { targets: Targets::Plain, ..TOKEN };
        let _sent = driven.publish_with(&to, Some((&inbox.channel, plain))).expect("connected");
        let refused = if waits { Err(Refused::Full) } else { Ok(()) };
        assert_eq!(publish_to_group(&mut driven, &to, &inbox), refused);
        assert_eq!(driven.state.has_room(slot, Some(&notice)), !waits);
        assert!(driven.state.has_room(slot, None), "others need not wait");
        driven.says(Reply::Number(0)).expect("expected");
        assert_eq!(driven.state.has_room(slot, Some(&notice)), !waits, "it may be a replica");
        if waits {
            driven.says(Reply::List(vec![text("role"), text("master")])).expect("expected");
            assert_eq!(packets(&inbox), [Some(Packet::Undelivered(plain))]);
            assert_eq!(publish_to_group(&mut driven, &to, &inbox), Ok(()));
        }
    }
}

#[test]
fn a_slot_takes_its_subscriptions_along() {
    let (mut driven, [one, two]) = two();
    let moving = channel(0, "a");
    let ticket = driven.subscribe(&moving, Some(member()));
    driven.says(push(&["ssubscribe", &moving])).expect("expected");
    driven.says(Reply::Number(0)).expect("expected");
    driven.says(push(&["smessage", &moving, "before"])).expect("expected");
    driven.says(push(&["sunsubscribe", &moving])).expect("expected");
    assert!(driven.news.lost && driven.state.is_stale());
    let mut all = half(2, 0);
    all.last = SLOTS - 1;
    // The other one keeps a slot that is not in use.
    let rest = Range { first: 0, last: 0, ..half(1, 0) };
    assert_ne!(slots::of(&moving), 0);
    all.first = 1;
    driven.state.place(vec![all, rest]);
    driven.writes();
    driven.says(push(&["smessage", &moving, "elsewhere"])).expect("expected");
    assert!(driven.state.is_known(one));
    driven.node = two;
    let written = driven.writes();
    assert_eq!(written[0], format!("SSUBSCRIBE {moving}"));
    assert!(written[1].starts_with("EVALSHA"), "it joins its group again: {written:?}");
    driven.says(push(&["ssubscribe", &moving])).expect("expected");
    driven.says(Reply::Number(0)).expect("expected");
    driven.says(push(&["smessage", &moving, "after"])).expect("expected");
    assert_eq!(packets(&ticket), [data("before"), data("after")]);
}

#[test]
fn a_subscription_that_a_server_refuses_is_made_elsewhere() {
    let (mut driven, [_, two]) = two();
    let channel = channel(0, "a");
    let ticket = driven.subscribe(&channel, None);
    driven.says(Reply::Error("MOVED 1 host:2".into())).expect("expected");
    assert_eq!(driven.state.phase_at(&ticket), Phase::Disconnected);
    driven.state.place(vec![Range { first: 0, last: SLOTS - 1, ..half(2, 0) }]);
    assert_eq!(driven.state.phase_at(&ticket), Phase::Connected);
    driven.node = two;
    assert_eq!(driven.writes(), [format!("SSUBSCRIBE {channel}")]);
}

#[test]
fn an_end_that_a_server_chose_is_not_taken_for_ours() {
    let (mut driven, _) = two();
    let channel = channel(0, "a");
    let mut ticket = driven.subscribe(&channel, None);
    driven.says(push(&["ssubscribe", &channel])).expect("expected");
    let left = driven.leave(&mut ticket);
    // It has moved before the server reads that it is being left.
    driven.says(push(&["sunsubscribe", &channel])).expect("expected");
    assert_eq!((packets(&ticket), said(left)), (vec![None], Some(Some(Ok(())))));
    assert!(driven.says(Reply::Error("MOVED 1 host:2".into())).is_err());
}

#[test]
fn a_server_without_slots_is_forgotten() {
    let (mut driven, [one, two]) = two();
    let mut leaving = driven.subscribe(&channel(0, "a"), None);
    let left = driven.leave(&mut leaving);
    let sent = driven.publish(&channel(0, "b"), None).expect("connected");
    driven.state.place(vec![Range { first: 0, last: SLOTS - 1, ..half(2, 0) }]);
    assert_eq!((said(sent), said(left)), (Some(None), Some(None)));
    assert_eq!(packets(&leaving), [None]);
    assert_eq!(driven.state.given(), driven.state.written());
    assert!(!driven.state.is_known(one) && driven.state.is_whole());
    assert!(driven.says(text("PONG")).is_err());
    let _sent = driven.publish(&channel(0, "b"), None).expect("connected");
    driven.node = two;
    assert_eq!(driven.writes().len(), 1);
}

#[test]
fn packets_for_others_do_not_wait_for_a_server_that_is_stuck() {
    let (mut driven, [one, _]) = two();
    let unwritten = |driven: &Driven| driven.state.given() - driven.state.written();
    let _sent = driven.publish(&channel(0, "a"), None).expect("connected");
    driven.state.tick(one);
    driven.writes();
    assert_eq!(unwritten(&driven), 1);
    driven.state.tick(one);
    assert_eq!(unwritten(&driven), 0);
    let _sent = driven.publish(&channel(1, "a"), None).expect("connected");
    assert_eq!(unwritten(&driven), 1);
    driven.state.wrote(one, 1, 1);
    assert_eq!(unwritten(&driven), 1);
}
