mod cluster;

use std::{
    sync::Arc,
    task::{Context, Poll, Waker},
};

use conduit::{
    MessageId,
    transport::{Packet, Targets, Token},
};
use conduit_kit::{Machine, Phase};
use futures_lite::future::{block_on, poll_once};

use super::{
    Answer, Channel, Member, News, NodeId, Outgoing, Purpose, Queue, Refused, State, Ticket,
    Waiting,
};
use crate::{command, names::Group, reply::Reply, slots};

const TOKEN: Token =
    Token { message: MessageId::from_bytes([1; MessageId::LEN]), targets: Targets::Group, tag: 7 };

fn text(text: &str) -> Reply {
    Reply::Text(text.to_owned().into())
}

fn push(parts: &[&str]) -> Reply {
    Reply::Push(parts.iter().map(|part| text(part)).collect())
}

/// A state with a connection.
struct Driven {
    state: State,
    node: NodeId,
    news: News,
}

impl Driven {
    fn new() -> Self {
        let mut state = State::default();
        let node = state.alone();
        state.begin(node);
        Self { state, node, news: News::default() }
    }

    fn says(&mut self, reply: Reply) -> Result<(), crate::reply::Malformed> {
        self.state.handle(self.node, reply, &mut self.news)
    }

    /// What is written, as the names of commands and their first arguments.
    fn writes(&mut self) -> Vec<String> {
        let written =
            self.state.take(self.node, &mut Vec::new()).map_or_else(Vec::new, |(bytes, _)| bytes);
        let mut read = bytes::BytesMut::from(&written[..]);
        let mut commands = Vec::new();
        while let Ok(Some(Reply::List(list))) = Reply::take(&mut read) {
            let words = list.iter().take(2).filter_map(Reply::text);
            let words: Vec<_> = words.map(String::from_utf8_lossy).collect();
            commands.push(words.join(" "));
        }
        commands
    }

    fn subscribe(&mut self, channel: &str, member: Option<Member>) -> Ticket {
        self.state.subscribe(channel.into(), Arc::new(Queue::new(1 << 10)), member)
    }

    fn publish(&mut self, channel: &str, undelivered: Option<&str>) -> Result<Waiting, Refused> {
        self.publish_with(channel, undelivered.map(|inbox| (inbox, TOKEN)))
    }

    fn publish_with(
        &mut self,
        channel: &str,
        undelivered: Option<(&str, Token)>,
    ) -> Result<Waiting, Refused> {
        let (answer, waiting) = Answer::new();
        let head = command::without_the_last(&[b"SPUBLISH", channel.as_bytes()]);
        let channel: Channel = channel.into();
        self.state.publish(Outgoing {
            slot: slots::of(&channel),
            head: &head,
            packet: b"packet",
            by_script: false,
            undelivered: undelivered.map(|(inbox, token)| (inbox.into(), token)),
            purpose: Purpose::Asked(channel, answer),
        })?;
        Ok(waiting)
    }

    fn leave(&mut self, ticket: &mut Ticket) -> Waiting {
        let (answer, waiting) = Answer::new();
        self.state.leave(ticket, answer);
        waiting
    }
}

fn said(waiting: Waiting) -> Option<Option<Result<(), String>>> {
    block_on(poll_once(waiting.answer()))
}

/// All that waits; `None` at its end if the queue has ended.
fn packets(ticket: &Ticket) -> Vec<Option<Packet>> {
    let mut cx = Context::from_waker(Waker::noop());
    let mut packets = Vec::new();
    while let Poll::Ready(packet) = ticket.queue.poll_pop(&mut cx) {
        let ended = packet.is_none();
        packets.push(packet);
        if ended {
            break;
        }
    }
    packets
}

fn data(text: &str) -> Option<Packet> {
    Some(Packet::Data(text.to_owned().into()))
}

fn member() -> Member {
    let group = Group { turns: "turns".into(), seen: "seen".into(), member: "g.".into() };
    Member::new(&group, "id")
}

#[test]
fn a_notice_has_its_place_among_the_packets() {
    let mut driven = Driven::new();
    let inbox = driven.subscribe("inbox", None);
    let sent = driven.publish("nobody", Some("inbox")).expect("connected");
    driven.says(push(&["ssubscribe", "inbox"])).expect("expected");
    driven.says(push(&["smessage", "inbox", "before"])).expect("expected");
    driven.says(Reply::Number(0)).expect("expected");
    driven.says(push(&["smessage", "inbox", "after"])).expect("expected");
    let notice = Some(Packet::Undelivered(TOKEN));
    assert_eq!(packets(&inbox), [data("before"), notice, data("after")]);
    assert_eq!(said(sent), Some(Some(Ok(()))));
}

#[test]
fn a_member_leaves_its_group_before_its_subscription_ends() {
    let mut driven = Driven::new();
    let mut ticket = driven.subscribe("g.id", Some(member()));
    assert_eq!(driven.writes()[0], "SSUBSCRIBE g.id");
    driven.says(push(&["ssubscribe", "g.id"])).expect("expected");
    driven.says(Reply::Number(0)).expect("expected");
    let left = driven.leave(&mut ticket);
    assert_eq!(driven.writes(), ["ZREM turns", "ZREM seen", "SUNSUBSCRIBE g.id"]);
    // It was routed before the server has read that.
    driven.says(push(&["smessage", "g.id", "late"])).expect("expected");
    driven.says(Reply::Number(1)).expect("expected");
    driven.says(Reply::Number(1)).expect("expected");
    assert_eq!(packets(&ticket), [data("late")]);
    driven.says(push(&["smessage", "g.id", "last"])).expect("expected");
    driven.says(push(&["sunsubscribe", "g.id"])).expect("expected");
    assert_eq!(packets(&ticket), [data("last"), None]);
    assert_eq!(said(left), Some(Some(Ok(()))));
    driven.state.renew(driven.node);
    assert!(driven.writes().is_empty(), "it is no member any more");
}

#[test]
fn a_channel_that_is_shared_stays_until_the_last_has_left() {
    let mut driven = Driven::new();
    let mut one = driven.subscribe("a", None);
    let mut two = driven.subscribe("a", None);
    assert_eq!(driven.writes(), ["SSUBSCRIBE a"]);
    driven.says(push(&["ssubscribe", "a"])).expect("expected");
    let left = driven.leave(&mut one);
    assert_eq!(driven.writes(), ["PING"]);
    driven.says(push(&["smessage", "a", "both"])).expect("expected");
    driven.says(text("PONG")).expect("expected");
    driven.says(push(&["smessage", "a", "one"])).expect("expected");
    assert_eq!(packets(&one), [data("both"), None]);
    assert_eq!(said(left), Some(Some(Ok(()))));
    let _left = driven.leave(&mut two);
    let three = driven.subscribe("a", None);
    assert_eq!(driven.writes(), ["SUNSUBSCRIBE a", "SSUBSCRIBE a"]);
    driven.says(push(&["sunsubscribe", "a"])).expect("expected");
    assert_eq!(packets(&two), [data("both"), data("one"), None]);
    driven.says(push(&["ssubscribe", "a"])).expect("expected");
    driven.says(push(&["smessage", "a", "new"])).expect("expected");
    assert_eq!(packets(&three), [data("new")]);
}

#[test]
fn a_leave_that_was_given_up_can_be_called_again() {
    let mut driven = Driven::new();
    let mut ticket = driven.subscribe("a", None);
    drop(driven.leave(&mut ticket));
    let left = driven.leave(&mut ticket);
    assert_eq!(driven.writes(), ["SSUBSCRIBE a", "SUNSUBSCRIBE a", "PING"]);
    driven.says(push(&["ssubscribe", "a"])).expect("expected");
    driven.says(push(&["sunsubscribe", "a"])).expect("expected");
    driven.says(text("PONG")).expect("expected");
    assert_eq!(packets(&ticket), [None]);
    assert_eq!(said(left), Some(Some(Ok(()))));
}

#[test]
fn a_script_that_is_missing_is_loaded_once_and_nothing_is_sent_again() {
    let mut driven = Driven::new();
    let inbox = driven.subscribe("inbox", None);
    let member = driven.subscribe("g.id", Some(member()));
    driven.says(push(&["ssubscribe", "inbox"])).expect("expected");
    driven.says(push(&["ssubscribe", "g.id"])).expect("expected");
    driven.says(Reply::Number(0)).expect("expected");
    for _ in 0..3 {
        driven.publish("group", Some("inbox")).expect("connected");
    }
    driven.writes();
    let missing = || Reply::Error("NOSCRIPT No matching script.".into());
    driven.says(missing()).expect("expected");
    driven.says(missing()).expect("expected");
    let written = driven.writes();
    assert_eq!(written.len(), 3, "{written:?}");
    assert_eq!(written[..2], ["SCRIPT LOAD", "SCRIPT LOAD"]);
    assert!(written[2].starts_with("EVALSHA"), "the member is noted again: {written:?}");
    driven.says(Reply::Number(1)).expect("expected");
    let notice = Some(Packet::Undelivered(TOKEN));
    assert_eq!(packets(&inbox), [notice.clone(), notice]);
    assert_eq!(packets(&member), []);
}

#[test]
fn what_is_under_way_on_a_lost_connection_is_forgotten() {
    let mut driven = Driven::new();
    let mut left = driven.subscribe("left", None);
    let kept = driven.subscribe("kept", None);
    let sent = driven.publish("a", None).expect("connected");
    let leaving = driven.leave(&mut left);
    let node = driven.node;
    State::break_off(&mut driven.state, node);
    assert_eq!((said(sent), said(leaving)), (Some(None), Some(None)));
    assert_eq!(packets(&left), [None]);
    assert_eq!(driven.publish("a", None).err(), Some(Refused::Disconnected));
    assert_eq!(driven.state.given(), driven.state.written());
    driven.state.begin(node);
    driven.publish("a", None).expect("connected");
    assert_eq!(driven.writes(), ["SSUBSCRIBE kept", "SPUBLISH a"]);
    driven.says(push(&["ssubscribe", "kept"])).expect("expected");
    driven.says(push(&["smessage", "kept", "again"])).expect("expected");
    assert_eq!(packets(&kept), [data("again")]);
}

#[test]
fn a_server_out_of_step_is_not_believed() {
    let mut driven = Driven::new();
    assert!(driven.says(text("PONG")).is_err());
    let mut driven = Driven::new();
    let _ticket = driven.subscribe("a", None);
    assert!(driven.says(push(&["ssubscribe", "b"])).is_err());
}

#[test]
fn what_is_denied_is_told_and_does_not_end_the_rest() {
    let mut driven = Driven::new();
    let ticket = driven.subscribe("secret", None);
    let denied = || Reply::Error("NOPERM No permissions to access a channel".into());
    driven.says(denied()).expect("expected");
    assert!(driven.state.denied(&ticket).is_some_and(|why| why.starts_with("NOPERM")));
    let sent = driven.publish("hidden", None).expect("connected");
    driven.says(denied()).expect("expected");
    assert!(matches!(said(sent), Some(Some(Err(_)))));
    assert_eq!(driven.news.suspects, ["hidden".into()]);
    assert_eq!(driven.news.denied.len(), 2);
    let sent = driven.publish("a", None).expect("connected");
    driven.says(Reply::Number(1)).expect("expected");
    assert_eq!(said(sent), Some(Some(Ok(()))));
}

#[test]
fn what_finds_no_room_is_dropped_and_told() {
    let mut driven = Driven::new();
    let ticket = driven.subscribe("a", None);
    driven.says(push(&["ssubscribe", "a"])).expect("expected");
    let large = "x".repeat(400);
    for _ in 0..4 {
        driven.says(push(&["smessage", "a", &large])).expect("expected");
    }
    assert_eq!(driven.news.dropped, 2);
    assert_eq!(packets(&ticket), [data(&large), data(&large)]);
}

#[test]
fn so_much_waits_to_be_written_and_no_more() {
    let mut driven = Driven::new();
    let head = command::without_the_last(&[b"SPUBLISH", b"a"]);
    let packet = vec![0; 64 << 10];
    let mut taken = 0;
    let refused = loop {
        let purpose = Purpose::Told("a".into());
        let (slot, undelivered) = (slots::of("a"), None);
        let (head, packet, by_script) = (&head, &packet, false);
        let outgoing = Outgoing { slot, head, packet, by_script, undelivered, purpose };
        match driven.state.publish(outgoing) {
            Ok(()) => taken += 1,
            Err(refused) => break refused,
        }
    };
    assert_eq!((taken, refused), (4, Refused::Full));
    assert_eq!(
        driven.state.take(driven.node, &mut Vec::new()).map(|(_, packets)| packets),
        Some(4)
    );
    assert!(driven.publish("a", None).is_ok());
}
