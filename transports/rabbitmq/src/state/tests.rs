use std::sync::Arc;

use bytes::BytesMut;
use conduit::{
    InstanceId,
    transport::{Address, Packet, Targets, Token},
};
use conduit_kit::Machine;
use futures_lite::future::{block_on, poll_fn, poll_once};

use super::{Agreed, Heads, Lane, News, Outgoing, Queue, Refused, Side, State, Ticket, Waiting};
use crate::{
    frame::{Fault, Frame, Method},
    method::Content,
    names::Root,
};

/// A state with a server that is made up.
struct Pair {
    state: State,
    news: News,
    root: Root,
}

impl Pair {
    fn connected() -> Self {
        let mut pair = Self { state: State::new(), news: News::default(), root: Root::default() };
        let exchange = Arc::clone(pair.root.exchange());
        pair.state.exchange(&exchange);
        pair.begin();
        pair.say(Side::Consuming, 1, Method::Declared);
        assert!(pair.news.connected);
        pair
    }

    fn begin(&mut self) {
        let agreed = Agreed { channels: 4, frame: 1 << 12, salt: "salt".into() };
        self.state.begin(&agreed, &mut self.news);
    }

    fn say(&mut self, side: Side, channel: u16, method: Method) {
        let said = self.state.handle(side, channel, Frame::Method(method), &mut self.news);
        said.expect("it is believed");
    }

    /// What was written since, as the classes and methods of its frames.
    fn written(&mut self, side: Side) -> Vec<(u16, u16, u16)> {
        let taken = self.state.take(side, &mut Vec::new());
        let mut bytes = BytesMut::from(&taken.map_or_else(Vec::new, |taken| taken.0)[..]);
        let mut methods = Vec::new();
        while !bytes.is_empty() {
            let length = u32::from_be_bytes(bytes[3..7].try_into().expect("4 bytes")) as usize;
            let frame = bytes.split_to(8 + length);
            let number = |at| u16::from_be_bytes([frame[at], frame[at + 1]]);
            if frame[0] == 1 {
                methods.push((number(1), number(7), number(9)));
            }
        }
        methods
    }

    fn subscribe(&mut self, address: &Address) -> (Ticket, Waiting) {
        let route = self.root.route(address).expect("one target");
        self.state.subscribe(route, Arc::new(Queue::new(1 << 20)))
    }

    /// One that is in force, on a channel.
    fn subscribed(&mut self, address: &Address, channel: u16) -> Ticket {
        let (ticket, waiting) = self.subscribe(address);
        let bindings = if matches!(address, Address::Subject { .. }) { 2 } else { 1 };
        for _ in 0..bindings {
            self.say(Side::Consuming, channel, Method::Bound);
        }
        self.say(Side::Consuming, channel, Method::Consuming);
        assert_eq!(said(waiting), Some(Some(Ok(()))));
        self.written(Side::Consuming);
        ticket
    }

    fn deliver(&mut self, channel: u16, tag: u64, redelivered: bool) {
        self.say(Side::Consuming, channel, Method::Deliver { tag, redelivered });
        let mut bytes = Vec::new();
        Content { channel, packet: b"packet", correlation: None }.write(&mut bytes, 4);
        let mut bytes = BytesMut::from(&bytes[..]);
        while let Some((channel, frame)) = Frame::take(&mut bytes).expect("frames") {
            let handled = self.state.handle(Side::Consuming, channel, frame, &mut self.news);
            handled.expect("it is believed");
        }
    }

    fn publish(&mut self, to: &Address, lane: Lane, told: bool) -> Result<Waiting, Refused> {
        let key = self.root.key(to);
        let (name, place) = (self.root.name(&key), self.root.place(to));
        let heads = Heads::new(Arc::clone(self.root.exchange()), &key, name, place);
        let (answer, waiting) = super::Answer::new();
        let undelivered = told.then(|| (self.root.name(&self.root.key(&inbox())), token()));
        let outgoing = Outgoing {
            heads: &heads,
            packet: b"packet",
            undelivered,
            lane,
            unsure: None,
            answer: Some(answer),
        };
        self.state.publish(outgoing).map(|()| waiting)
    }
}

fn said(waiting: Waiting) -> Option<Option<Result<(), Fault>>> {
    block_on(poll_once(waiting.answer()))
}

fn pop(ticket: &Ticket) -> Option<Option<Packet>> {
    let popped = block_on(poll_once(poll_fn(|cx| ticket.queue.poll_pop(cx))));
    popped.map(|item| item.map(|(packet, _)| packet))
}

fn data() -> Packet {
    Packet::Data(bytes::Bytes::from_static(b"packet"))
}

fn inbox() -> Address {
    let instance = InstanceId::from_bytes([1; InstanceId::LEN]);
    Address::Inbox { service: "users".parse().expect("a name"), instance }
}

fn group() -> Address {
    let service = "users".parse().expect("a name");
    let subject = "work".parse().expect("a subject");
    Address::Subject { service, subject, targets: Targets::Group }
}

fn token() -> Token {
    let message = conduit::MessageId::from_bytes([2; conduit::MessageId::LEN]);
    Token { message, targets: Targets::Group, tag: 3 }
}

#[test]
fn a_missing_exchange_is_made_and_what_may_not_be_made_is_told() {
    let mut pair = Pair { state: State::new(), news: News::default(), root: Root::default() };
    let exchange = Arc::clone(pair.root.exchange());
    pair.state.exchange(&exchange);
    pair.begin();
    assert_eq!(pair.written(Side::Consuming), [(1, 20, 10), (1, 40, 10)]);
    let fault = |code| Fault { code, text: "no".into() };
    pair.say(Side::Consuming, 1, Method::ChannelClose(fault(404)));
    assert_eq!(pair.written(Side::Consuming), [(1, 20, 41), (1, 20, 10), (1, 40, 10)]);
    assert!(!pair.news.connected);
    pair.say(Side::Consuming, 1, Method::ChannelClose(fault(403)));
    assert_eq!(pair.state.exchange(&exchange), super::Exchange::Failed(fault(403)));
    assert!(pair.news.connected && pair.news.denied.len() == 1);
}

#[test]
fn a_notice_comes_to_the_inbox_of_its_packet() {
    let mut pair = Pair::connected();
    let ticket = pair.subscribed(&inbox(), 2);
    for told in [false, true] {
        pair.publish(&group(), Lane::Sure, told).expect("there is room");
    }
    pair.say(Side::Publishing, 1, Method::Return);
    let header = Frame::Header { size: 0, correlation: Some(2) };
    pair.state.handle(Side::Publishing, 1, header, &mut pair.news).expect("it is believed");
    assert_eq!(pop(&ticket), Some(Some(Packet::Undelivered(token()))));
    assert_eq!(pop(&ticket), None);
}

#[test]
fn confirmations_come_in_any_order() {
    let mut pair = Pair::connected();
    let [one, two, three] =
        [(); 3].map(|()| pair.publish(&group(), Lane::Sure, false).expect("there is room"));
    let marks = pair.state.lane_marks();
    pair.say(Side::Publishing, 1, Method::Nack { tag: 3, multiple: false });
    assert_eq!(said(three), None);
    pair.say(Side::Publishing, 1, Method::Ack { tag: 2, multiple: true });
    assert_eq!([said(one), said(two)], [Some(Some(Ok(()))), Some(Some(Ok(())))]);
    for mark in marks {
        assert_eq!(said(mark), Some(Some(Ok(()))));
    }
}

#[test]
fn what_is_denied_is_told_and_leaves_the_rest_alone() {
    let mut pair = Pair::connected();
    let ticket = pair.subscribed(&inbox(), 2);
    let asked = pair.publish(&group(), Lane::Asking, false).expect("there is room");
    assert_eq!(pair.publish(&group(), Lane::Asking, false).err(), Some(Refused::Full));
    let sure = pair.publish(&inbox(), Lane::Sure, false).expect("there is room");
    pair.written(Side::Publishing);
    let fault = Fault { code: 403, text: "access to topic 'users.s.0.1.work' refused".into() };
    pair.say(Side::Publishing, 2, Method::ChannelClose(fault.clone()));
    assert_eq!(said(asked), Some(Some(Err(fault))));
    assert_eq!(pair.written(Side::Publishing), [(2, 20, 41), (2, 20, 10), (2, 85, 10)]);
    assert_eq!(pair.news.suspects, ["conduit.users.s.0.1.work"]);
    pair.say(Side::Publishing, 1, Method::Ack { tag: 1, multiple: false });
    assert_eq!(said(sure), Some(Some(Ok(()))));
    assert_eq!(pop(&ticket), None);
}

#[test]
fn a_server_that_blocks_is_given_nothing() {
    let mut pair = Pair::connected();
    pair.say(Side::Publishing, 0, Method::Blocked("low on memory".into()));
    assert_eq!(pair.news.blocked, Some(Some("low on memory".into())));
    assert_eq!(pair.publish(&group(), Lane::Sure, false).err(), Some(Refused::Full));
    pair.say(Side::Publishing, 0, Method::Unblocked);
    assert!(pair.publish(&group(), Lane::Sure, false).is_ok());
}

#[test]
fn what_comes_again_is_dropped() {
    let mut pair = Pair::connected();
    let ticket = pair.subscribed(&group(), 2);
    pair.deliver(2, 1, true);
    assert_eq!(pair.written(Side::Consuming), [(2, 60, 80)]);
    pair.deliver(2, 2, false);
    assert!(pair.written(Side::Consuming).is_empty(), "it is acknowledged when it is taken");
    assert_eq!(pop(&ticket), Some(Some(data())));
    assert_eq!(pop(&ticket), None);
}

#[test]
fn the_last_member_removes_the_binding_and_takes_what_is_left() {
    let mut pair = Pair::connected();
    let ticket = pair.subscribed(&group(), 2);
    pair.deliver(2, 1, false);
    let (answer, waiting) = super::Answer::new();
    assert!(pair.state.leave(&ticket, answer));
    assert_eq!(pair.written(Side::Consuming), [(2, 60, 80), (2, 50, 10)]);
    pair.say(Side::Consuming, 2, Method::QueueDeclared { messages: 1, consumers: 1 });
    assert_eq!(pair.written(Side::Consuming), [(2, 50, 50)]);
    pair.say(Side::Consuming, 2, Method::Unbound);
    pair.deliver(2, 2, false);
    assert_eq!(pair.written(Side::Consuming), [(2, 50, 10), (2, 60, 80)]);
    // Another one has joined meanwhile.
    pair.say(Side::Consuming, 2, Method::QueueDeclared { messages: 0, consumers: 2 });
    assert_eq!(pair.written(Side::Consuming), [(2, 50, 20), (2, 60, 30)]);
    pair.say(Side::Consuming, 2, Method::Cancelled);
    assert_eq!(said(waiting), Some(Some(Ok(()))));
    assert_eq!(
        [pop(&ticket), pop(&ticket), pop(&ticket)],
        [Some(Some(data())), Some(Some(data())), Some(None)]
    );
}

#[test]
fn a_lost_connection_ends_what_waits_and_subscriptions_come_back_first() {
    let mut pair = Pair::connected();
    let ticket = pair.subscribed(&inbox(), 2);
    let sent = pair.publish(&group(), Lane::Sure, false).expect("there is room");
    pair.state.break_off();
    assert_eq!(said(sent), Some(None));
    pair.news = News::default();
    pair.begin();
    pair.say(Side::Consuming, 1, Method::Declared);
    assert!(!pair.news.connected);
    assert_eq!(pair.publish(&group(), Lane::Sure, false).err(), Some(Refused::Disconnected));
    pair.say(Side::Consuming, 2, Method::Bound);
    pair.say(Side::Consuming, 2, Method::Consuming);
    assert!(pair.news.connected);
    pair.deliver(2, 1, false);
    assert_eq!(pop(&ticket), Some(Some(data())));
}

#[test]
fn channels_are_used_again_and_no_more_than_the_server_has() {
    let mut pair = Pair::connected();
    let tickets: Vec<_> = (2..=4).map(|channel| pair.subscribed(&inbox(), channel)).collect();
    let (_, waiting) = pair.subscribe(&inbox());
    assert!(matches!(said(waiting), Some(Some(Err(_)))));
    pair.state.forget(&tickets[1]);
    pair.say(Side::Consuming, 3, Method::ChannelClosed);
    pair.subscribed(&inbox(), 3);
}

#[test]
fn a_packet_that_is_too_long_is_thrown_away() {
    let mut pair = Pair::connected();
    let ticket = pair.subscribed(&inbox(), 2);
    pair.say(Side::Consuming, 2, Method::Deliver { tag: 1, redelivered: false });
    for frame in
        [Frame::Header { size: u64::MAX, correlation: None }, Frame::Body(vec![0; 1 << 10].into())]
    {
        pair.state.handle(Side::Consuming, 2, frame, &mut pair.news).expect("it is believed");
    }
    pair.deliver(2, 2, false);
    assert_eq!(pop(&ticket), Some(Some(data())));
}
