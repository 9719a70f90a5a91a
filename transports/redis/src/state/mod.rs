//! What is known of a connection, without I/O: what is to be written, which replies are expected,
//! and where the packets go.
//!
//! Its driver takes what is [to be written](State::take) to the server, and gives it each
//! [reply](State::handle), in order. When a connection is made it is told so by
//! [`begin`](State::begin), and when it is lost by [`break_off`](State::break_off).

mod expected;
mod replies;
mod routes;
#[cfg(test)]
mod tests;

use std::{collections::VecDeque, sync::Arc, task::Waker};

use bytes::Bytes;
use conduit::transport::{Packet, Token};
use conduit_kit::{Machine, Phase};

use self::routes::Routes;
pub(crate) use self::{
    expected::{Expected, Purpose},
    replies::News,
    routes::{Member, Ticket},
};
use crate::command;

/// How many bytes may wait to be written.
const MOST_UNWRITTEN: usize = 256 << 10;

/// How many replies may be expected.
const MOST_EXPECTED: usize = 1 << 16;

pub(crate) struct State {
    phase: Phase,
    /// How many connections there have been.
    connections: u64,
    out: Vec<u8>,
    /// How many packets are in `out`, and how many were ever given and have left it.
    packets: u64,
    given: u64,
    written: u64,
    expected: VecDeque<Expected>,
    routes: Routes,
    writer: Option<Waker>,
}

/// Why a packet is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    Disconnected,
    /// Until something was written, or answered.
    Full,
    Ended,
}

/// A packet on its way out.
pub(crate) struct Outgoing<'a> {
    /// The command without its last argument, the packet.
    pub(crate) head: &'a [u8],
    pub(crate) packet: &'a [u8],
    /// The inbox that is told if it was not delivered.
    pub(crate) undelivered: Option<(Bytes, Token)>,
    pub(crate) purpose: Purpose,
}

impl State {
    pub(crate) fn new() -> Self {
        Self {
            phase: Phase::Disconnected,
            connections: 0,
            out: Vec::new(),
            packets: 0,
            given: 0,
            written: 0,
            expected: VecDeque::new(),
            routes: Routes::default(),
            writer: None,
        }
    }

    pub(crate) fn is_connected(&self) -> bool {
        self.phase == Phase::Connected
    }

    /// The number of the connection, from 1.
    pub(crate) fn connection(&self) -> Option<u64> {
        self.is_connected().then_some(self.connections)
    }

    /// There is a connection: subscriptions are made again before anything else is written.
    pub(crate) fn begin(&mut self) {
        if self.phase == Phase::Ended {
            return;
        }
        self.phase = Phase::Connected;
        self.connections += 1;
        self.subscribe_all();
    }

    /// Takes a packet, if it can be written soon.
    pub(crate) fn publish(&mut self, outgoing: Outgoing<'_>) -> Result<(), Refused> {
        match self.phase {
            Phase::Connected => {}
            Phase::Disconnected => return Err(Refused::Disconnected),
            Phase::Ended => return Err(Refused::Ended),
        }
        if !self.has_room() {
            return Err(Refused::Full);
        }
        let Outgoing { head, packet, undelivered, purpose } = outgoing;
        self.out.extend_from_slice(head);
        command::text(&mut self.out, packet);
        self.packets += 1;
        self.given += 1;
        self.expect(Expected::Published { undelivered, purpose });
        Ok(())
    }

    pub(crate) fn has_room(&self) -> bool {
        self.out.len() < MOST_UNWRITTEN && self.expected.len() < MOST_EXPECTED
    }

    /// Asks the server for a sign, which comes behind all that it has routed here.
    pub(crate) fn mark(&mut self, answer: Option<Answer>) {
        self.command(&[b"PING"], Expected::Mark { answer, leaving: None });
    }

    /// Takes what is to be written, in exchange for an empty buffer. `None` if there is nothing.
    pub(crate) fn take(&mut self, empty: &mut Vec<u8>) -> Option<(Vec<u8>, u64)> {
        if self.out.is_empty() {
            return None;
        }
        let packets = std::mem::take(&mut self.packets);
        Some((std::mem::replace(&mut self.out, std::mem::take(empty)), packets))
    }

    /// So many packets of those taken were written on a connection.
    pub(crate) fn wrote(&mut self, connection: u64, packets: u64) {
        if self.connection() == Some(connection) {
            self.written += packets;
        }
    }

    /// Whom to wake when there is something to write.
    pub(crate) fn set_writer(&mut self, writer: &Waker) {
        match &mut self.writer {
            Some(waker) => waker.clone_from(writer),
            none => *none = Some(writer.clone()),
        }
    }

    fn command(&mut self, arguments: &[&[u8]], expected: Expected) {
        command::write(&mut self.out, arguments);
        self.expect(expected);
    }

    fn expect(&mut self, expected: Expected) {
        self.expected.push_back(expected);
    }
}

impl Machine for State {
    type Writers = [Option<Waker>; 1];

    fn phase(&self) -> Phase {
        self.phase
    }

    fn given(&self) -> u64 {
        self.given
    }

    fn written(&self) -> u64 {
        self.written
    }

    fn take_writers(&mut self) -> [Option<Waker>; 1] {
        [if self.out.is_empty() { None } else { self.writer.take() }]
    }

    /// What was to be written on it, and what was expected, is forgotten.
    fn break_off(&mut self) -> Vec<Waker> {
        if self.phase == Phase::Connected {
            self.phase = Phase::Disconnected;
        }
        self.out = Vec::new();
        self.packets = 0;
        self.written = self.given;
        // Callers that wait for an answer learn that there will be none.
        self.expected = VecDeque::new();
        self.end_leaving()
    }

    fn end(&mut self) -> Vec<Waker> {
        self.phase = Phase::Ended;
        let mut wakers = self.break_off();
        wakers.extend(self.end_all());
        wakers
    }
}

/// Tells a caller what the server has said: nothing, or an error.
pub(crate) type Answer = conduit_kit::Answer<Result<(), String>>;
#[cfg(test)]
pub(crate) type Waiting = conduit_kit::Waiting<Result<(), String>>;

/// The packets that were routed to one subscription and have not been read.
pub(crate) type Queue = conduit_kit::Queue<Packet>;

/// A channel as a key of routes, shared with what names it.
pub(crate) type Channel = Arc<str>;
