//! What is known of the two connections to a server, without I/O: what is to be written on each, which
//! answers are expected, and where packets go.
//!
//! Its driver takes what is [to be written](State::take), and gives it each [frame](State::handle), in
//! order. When both connections are made it is told so by [`begin`](State::begin), and when one is lost
//! by [`break_off`](State::break_off).

mod exchanges;
mod incoming;
mod lanes;
mod leaving;
mod subscriptions;
#[cfg(test)]
mod tests;

use std::task::Waker;

use conduit::transport::Packet;
use conduit_kit::Machine;

pub(crate) use self::{
    exchanges::Exchange,
    lanes::{Heads, Lane, Outgoing, Refused, Unsure},
    subscriptions::Ticket,
};
use self::{exchanges::Exchanges, subscriptions::Subscriptions};
use crate::frame::{Fault, Frame, Malformed, Method};
use lanes::Lanes;

/// Tells a caller what the server has said: nothing, or why it does not do it.
pub(crate) type Answer = conduit_kit::Answer<Result<(), Fault>>;
pub(crate) type Waiting = conduit_kit::Waiting<Result<(), Fault>>;

/// The packets that were routed to one subscription and have not been read. Those of a group are
/// acknowledged by their tags.
pub(crate) type Queue = conduit_kit::Queue<(Packet, Option<Tag>)>;

/// A delivery that is still to be acknowledged: of which consumer, counted, and its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tag {
    consumer: u64,
    number: u64,
}

/// One of the two connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Publishing,
    Consuming,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Connected,
    /// There are connections, on which subscriptions are being made again.
    Restoring,
    Disconnected,
    /// There will be no connection any more.
    Ended,
}

/// What others have to be told.
#[derive(Debug, Default)]
pub(crate) struct News {
    /// Whom to wake.
    pub(crate) wakers: Vec<Waker>,
    /// What the server does not permit, with its name, and what the server says to that.
    pub(crate) denied: Vec<(String, String)>,
    /// Names among them that were published to.
    pub(crate) suspects: Vec<String>,
    /// Places that a publish was permitted to.
    pub(crate) permitted: Vec<Unsure>,
    /// Other errors.
    pub(crate) errors: Vec<String>,
    /// How many packets found no room in their subscription.
    pub(crate) dropped: usize,
    /// All subscriptions are in force on new connections.
    pub(crate) connected: bool,
    /// The server takes nothing that is published, and why, or takes it again.
    pub(crate) blocked: Option<Option<String>>,
}

pub(crate) struct State {
    phase: Phase,
    /// How many connections there have been.
    connections: u64,
    /// What is to be written: published, and of subscriptions.
    out: [Vec<u8>; 2],
    writers: [Option<Waker>; 2],
    lanes: Lanes,
    exchanges: Exchanges,
    subscriptions: Subscriptions,
}

/// What was agreed with a server.
#[derive(Debug, Clone)]
pub(crate) struct Agreed {
    pub(crate) channels: u16,
    pub(crate) frame: usize,
    /// Makes the names of queues other ones than those of any other connection.
    pub(crate) salt: String,
}

impl State {
    pub(crate) fn new() -> Self {
        Self {
            phase: Phase::Disconnected,
            connections: 0,
            out: [Vec::new(), Vec::new()],
            writers: [None, None],
            lanes: Lanes::default(),
            exchanges: Exchanges::default(),
            subscriptions: Subscriptions::default(),
        }
    }

    /// The number of the connection, from 1.
    pub(crate) fn connection(&self) -> Option<u64> {
        matches!(self.phase, Phase::Connected | Phase::Restoring).then_some(self.connections)
    }

    /// There are connections: exchanges are declared, and subscriptions made again, before anything is
    /// published.
    pub(crate) fn begin(&mut self, agreed: &Agreed, news: &mut News) {
        if self.phase == Phase::Ended {
            return;
        }
        self.phase = Phase::Restoring;
        self.connections += 1;
        self.begin_lanes(agreed.frame);
        self.begin_subscriptions(agreed.channels, &agreed.salt);
        self.begin_exchanges();
        self.settle(news);
    }

    /// Goes on as far as it can with what is done when there are new connections.
    fn settle(&mut self, news: &mut News) {
        if self.phase != Phase::Restoring || !self.exchanges.are_settled() {
            return;
        }
        self.subscribe_all(news);
        if self.subscriptions.are_settled() {
            self.phase = Phase::Connected;
            news.connected = true;
        }
    }

    /// Takes the next frame of the server.
    ///
    /// # Errors
    /// The server has closed the connection, or says what it never says.
    pub(crate) fn handle(
        &mut self,
        side: Side,
        channel: u16,
        frame: Frame,
        news: &mut News,
    ) -> Result<(), Malformed> {
        if let Frame::Method(method) = &frame {
            crate::method::answer(&mut self.out[side as usize], channel, method);
        }
        match (side, frame) {
            (_, Frame::Heartbeat) => {}
            (_, Frame::Method(Method::ConnectionClose(fault))) => {
                news.errors.push(fault.to_string());
                return Err(Malformed::new("it has closed the connection"));
            }
            (Side::Publishing, Frame::Method(Method::Blocked(why))) => {
                self.lanes.blocked = true;
                news.blocked = Some(Some(why));
            }
            (Side::Publishing, Frame::Method(Method::Unblocked)) => {
                self.lanes.blocked = false;
                news.blocked = Some(None);
            }
            (Side::Publishing, frame) => self.published(channel, frame, news),
            (Side::Consuming, frame) if channel == exchanges::CHANNEL => {
                self.declared(frame, news);
            }
            (Side::Consuming, frame) => self.consumed(channel, frame, news),
        }
        self.settle(news);
        Ok(())
    }

    /// Takes what is to be written, in exchange for an empty buffer, with the number of packets in it.
    /// `None` if there is nothing.
    pub(crate) fn take(&mut self, side: Side, empty: &mut Vec<u8>) -> Option<(Vec<u8>, u64)> {
        let out = &mut self.out[side as usize];
        if out.is_empty() {
            return None;
        }
        let packets = if side == Side::Publishing { self.lanes.take_packets() } else { 0 };
        Some((std::mem::replace(out, std::mem::take(empty)), packets))
    }

    /// So many packets of those taken were written on a connection.
    pub(crate) fn wrote(&mut self, connection: u64, packets: u64) {
        if self.connection() == Some(connection) {
            self.lanes.written += packets;
        }
    }

    /// Says that this side is alive, where it has nothing else to say.
    pub(crate) fn beat(&mut self) {
        if self.connection().is_some() {
            for out in self.out.iter_mut().filter(|out| out.is_empty()) {
                out.extend_from_slice(crate::method::HEARTBEAT);
            }
        }
    }

    /// Whom to wake when there is something to write.
    pub(crate) fn set_writer(&mut self, side: Side, writer: &Waker) {
        match &mut self.writers[side as usize] {
            Some(waker) => waker.clone_from(writer),
            none => *none = Some(writer.clone()),
        }
    }
}

impl Machine for State {
    type Writers = [Option<Waker>; 2];

    fn phase(&self) -> conduit_kit::Phase {
        match self.phase {
            Phase::Connected => conduit_kit::Phase::Connected,
            Phase::Restoring | Phase::Disconnected => conduit_kit::Phase::Disconnected,
            Phase::Ended => conduit_kit::Phase::Ended,
        }
    }

    fn given(&self) -> u64 {
        self.lanes.given
    }

    fn written(&self) -> u64 {
        self.lanes.written
    }

    fn take_writers(&mut self) -> [Option<Waker>; 2] {
        let [out, other] = &self.out;
        let [writer, another] = &mut self.writers;
        let take = |out: &Vec<u8>, writer: &mut Option<Waker>| {
            if out.is_empty() { None } else { writer.take() }
        };
        [take(out, writer), take(other, another)]
    }

    /// What was to be written, and what was expected, is forgotten.
    fn break_off(&mut self) -> Vec<Waker> {
        if self.phase != Phase::Ended {
            self.phase = Phase::Disconnected;
        }
        self.out = [Vec::new(), Vec::new()];
        self.break_lanes();
        self.exchanges.forget();
        self.break_subscriptions()
    }

    fn end(&mut self) -> Vec<Waker> {
        self.phase = Phase::Ended;
        let mut wakers = self.break_off();
        wakers.extend(self.end_subscriptions());
        wakers
    }
}
