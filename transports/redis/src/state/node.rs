use std::{collections::VecDeque, task::Waker};

use conduit::{MessageId, transport::Targets};
use conduit_socket::Host as Server;

use super::{Answer, Expected, Outgoing, Refused};
use crate::command;

/// How many bytes may wait to be written to a server.
const MOST_UNWRITTEN: usize = 256 << 10;

/// How many replies of a server may be expected.
const MOST_EXPECTED: usize = 1 << 16;

/// Names a server, and no other after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct NodeId(pub(super) u64);

/// A server, and the connection to it.
#[derive(Default)]
pub(super) struct Node {
    /// Where it is, in a cluster.
    pub(super) server: Option<Server>,
    /// Something drives it, or will do so.
    pub(super) wanted: bool,
    pub(super) connected: bool,
    /// There was a connection, or none could be made.
    pub(super) missing: bool,
    /// How many connections there have been.
    pub(super) connections: u64,
    out: Vec<u8>,
    /// How many packets are in `out`, and how many were ever given and have left it.
    packets: u64,
    given: u64,
    written: u64,
    /// How many had left it at the last tick, if others waited; whether none has since.
    ticked: Option<u64>,
    stuck: bool,
    pub(super) expected: VecDeque<Expected>,
    writer: Option<Waker>,
}

impl Node {
    /// A server of a cluster.
    pub(super) fn at(server: Server) -> Self {
        Self { server: Some(server), ..Self::default() }
    }

    pub(super) fn begin(&mut self) {
        self.connected = true;
        self.missing = false;
        self.connections += 1;
    }

    /// Takes a packet, if it can be written soon.
    pub(super) fn publish(&mut self, outgoing: Outgoing<'_>) -> Result<(), Refused> {
        if !self.connected {
            return Err(Refused::Disconnected);
        }
        if !self.has_room() {
            return Err(Refused::Full);
        }
        let Outgoing { head, packet, undelivered, purpose, .. } = outgoing;
        self.out.extend_from_slice(head);
        command::text(&mut self.out, packet);
        self.packets += 1;
        self.given += 1;
        self.expected.push_back(Expected::Published { undelivered, purpose });
        Ok(())
    }

    pub(super) fn has_room(&self) -> bool {
        self.out.len() < MOST_UNWRITTEN && self.expected.len() < MOST_EXPECTED
    }

    /// Returns whether a notice may still come that no plain binding has received a message.
    pub(super) fn may_tell(&self, message: MessageId) -> bool {
        self.expected.iter().any(|expected| match expected {
            Expected::Published { undelivered: Some((_, token)), .. }
            | Expected::Role(Some((_, token))) => {
                token.message == message && token.targets == Targets::Plain
            }
            _ => false,
        })
    }

    /// Asks the server for a sign, which comes behind all that it has routed here.
    pub(super) fn mark(&mut self, answer: Option<Answer>) {
        self.command(&[b"PING"], Expected::Mark { answer, leaving: None });
    }

    pub(super) fn command(&mut self, arguments: &[&[u8]], expected: Expected) {
        command::write(&mut self.out, arguments);
        self.expected.push_back(expected);
    }

    /// Gives a command that was written before.
    pub(super) fn repeat(&mut self, command: &[u8], expected: Expected) {
        self.out.extend_from_slice(command);
        self.expected.push_back(expected);
    }

    /// Takes what is to be written, in exchange for an empty buffer. `None` if there is nothing.
    pub(super) fn take(&mut self, empty: &mut Vec<u8>) -> Option<(Vec<u8>, u64)> {
        if self.out.is_empty() {
            return None;
        }
        let packets = std::mem::take(&mut self.packets);
        Some((std::mem::replace(&mut self.out, std::mem::take(empty)), packets))
    }

    pub(super) fn wrote(&mut self, packets: u64) {
        self.written += packets;
        self.stuck = false;
    }

    /// How many packets have not left. One that takes nothing any more does not count: packets for
    /// others do not wait for it.
    pub(super) fn unwritten(&self) -> u64 {
        if self.stuck { 0 } else { self.given - self.written }
    }

    /// Looks whether it takes what is written, once in a while.
    pub(super) fn tick(&mut self) {
        let waits = (self.given > self.written).then_some(self.written);
        self.stuck = waits.is_some() && waits == self.ticked;
        self.ticked = waits;
    }

    /// Whom to wake when there is something to write.
    pub(super) fn set_writer(&mut self, writer: &Waker) {
        match &mut self.writer {
            Some(waker) => waker.clone_from(writer),
            none => *none = Some(writer.clone()),
        }
    }

    pub(super) fn take_writer(&mut self) -> Option<Waker> {
        if self.out.is_empty() { None } else { self.writer.take() }
    }

    /// What was to be written, and what was expected, is forgotten. Callers that wait for an answer
    /// learn that there will be none.
    pub(super) fn break_off(&mut self) {
        self.missing |= self.connected;
        self.connected = false;
        self.out = Vec::new();
        self.packets = 0;
        self.written = self.given;
        self.expected = VecDeque::new();
    }
}
