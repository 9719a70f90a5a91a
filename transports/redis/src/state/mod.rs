//! What is known of the connections to servers, without I/O: what is to be written, which replies are
//! expected, and where the packets go.
//!
//! There is one server, or those of a [cluster](State::place). Each has a driver, which takes what is
//! [to be written](State::take) to it, and gives each [reply](State::handle), in order. When a connection
//! is made it is told so by [`begin`](State::begin), and when it is lost by
//! [`break_off`](State::break_off). Servers that want a driver are told by
//! [`take_opening`](State::take_opening).

mod cluster;
mod expected;
mod node;
mod replies;
mod routes;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, sync::Arc, task::Waker};

use conduit::transport::{Packet, Targets, Token};
use conduit_kit::{Machine, Phase};

pub(crate) use self::{
    expected::{Expected, Purpose},
    node::NodeId,
    replies::News,
    routes::{Member, Ticket},
};
use self::{node::Node, routes::Routes};
use crate::slots::SLOTS;

#[derive(Default)]
pub(crate) struct State {
    ended: bool,
    /// It is a cluster.
    cluster: bool,
    nodes: BTreeMap<NodeId, Node>,
    /// Which of them has which slots, in order: the first, the last, the server.
    slots: Vec<(u16, u16, NodeId)>,
    next: u64,
    /// Who has which slots may have changed.
    stale: bool,
    /// Servers that want a driver.
    opening: Vec<NodeId>,
    routes: Routes,
    /// How many packets were ever given.
    given: u64,
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
    /// The slot of where it goes.
    pub(crate) slot: u16,
    /// The command without its last argument, the packet.
    pub(crate) head: &'a [u8],
    pub(crate) packet: &'a [u8],
    /// Whether it goes by a script, which only a primary runs.
    pub(crate) by_script: bool,
    /// The inbox that is told if it was not delivered.
    pub(crate) undelivered: Option<Notice>,
    pub(crate) purpose: Purpose,
}

impl State {
    /// There is one server, which has everything. Returns its id.
    pub(crate) fn alone(&mut self) -> NodeId {
        let id = self.add(Node::default());
        self.driven(id);
        self.slots = vec![(0, SLOTS - 1, id)];
        id
    }

    /// There is a connection to a server: subscriptions are made again before anything else is written.
    /// Returns the number of the connection, from 1; `None` if the server is not wanted any more.
    pub(crate) fn begin(&mut self, id: NodeId) -> Option<u64> {
        if self.ended {
            return None;
        }
        let node = self.nodes.get_mut(&id)?;
        node.begin();
        let number = node.connections;
        self.subscribe_all();
        Some(number)
    }

    /// Takes a packet, if it can be written soon.
    pub(crate) fn publish(&mut self, outgoing: Outgoing<'_>) -> Result<(), Refused> {
        if self.ended {
            return Err(Refused::Ended);
        }
        if self.waits_for_notice(outgoing.slot, outgoing.undelivered.as_ref()) {
            return Err(Refused::Full);
        }
        let id = self.node_of(outgoing.slot);
        let node = id.and_then(|id| self.nodes.get_mut(&id)).ok_or(Refused::Disconnected)?;
        // What has become a replica passes packets on, and says that nobody has got them.
        let asks = self.cluster && !outgoing.by_script && outgoing.undelivered.is_some();
        node.publish(outgoing)?;
        if asks {
            node.command(&[b"HELLO"], Expected::Role(None));
        }
        self.given += 1;
        Ok(())
    }

    /// Whether a packet with a notice finds room, or a reason why it never will.
    pub(crate) fn has_room(&self, slot: u16, notice: Option<&Notice>) -> bool {
        let node = self.node_of(slot).and_then(|id| self.nodes.get(&id));
        node.is_none_or(|node| !node.connected || node.has_room())
            && !self.waits_for_notice(slot, notice)
    }

    /// Whether a packet for a group waits until it is known whether plain bindings got the same message:
    /// the notice that they did not comes before what the group says then, which takes the connection to
    /// another server, that of the inbox.
    fn waits_for_notice(&self, slot: u16, notice: Option<&Notice>) -> bool {
        let of_group = notice.filter(|(_, token)| token.targets == Targets::Group);
        let Some((inbox, token)) = of_group else { return false };
        let id = self.node_of(slot);
        let node = id.and_then(|id| self.nodes.get(&id));
        self.cluster
            && self.home(inbox) != id
            && node.is_some_and(|node| node.may_tell(token.message))
    }

    /// Asks the servers for a sign, which comes behind all that they have routed here: that of a
    /// subscription, or each that there is a connection to.
    pub(crate) fn mark(&mut self, of: Option<&Ticket>) -> Vec<Waiting> {
        let only = of.map(|ticket| self.home(&ticket.channel));
        let nodes = self
            .nodes
            .iter_mut()
            .filter(|(id, node)| node.connected && only.is_none_or(|only| only == Some(**id)));
        nodes
            .map(|(_, node)| {
                let (answer, waiting) = Answer::new();
                node.mark(Some(answer));
                waiting
            })
            .collect()
    }

    /// Asks a server for any sign.
    pub(crate) fn ask(&mut self, id: NodeId) {
        if let Some(node) = self.connected(id) {
            node.mark(None);
        }
    }

    /// Takes what is to be written to a server, in exchange for an empty buffer. `None` if there is
    /// nothing.
    pub(crate) fn take(&mut self, id: NodeId, empty: &mut Vec<u8>) -> Option<(Vec<u8>, u64)> {
        self.nodes.get_mut(&id)?.take(empty)
    }

    /// So many packets of those taken were written on a connection.
    pub(crate) fn wrote(&mut self, id: NodeId, connection: u64, packets: u64) {
        if let Some(node) = self.connected(id).filter(|node| node.connections == connection) {
            node.wrote(packets);
        }
    }

    /// Whom to wake when there is something to write to a server.
    pub(crate) fn set_writer(&mut self, id: NodeId, writer: &Waker) {
        if let Some(node) = self.nodes.get_mut(&id) {
            node.set_writer(writer);
        }
    }

    /// The connection to a server is lost: what was to be written to it, and what was expected, is
    /// forgotten. `None` if the server is not wanted any more.
    pub(crate) fn break_off(&mut self, id: NodeId) -> Option<Vec<Waker>> {
        self.nodes.get_mut(&id)?.break_off();
        self.stale |= self.cluster;
        Some(self.detach_all(id))
    }

    fn connected(&mut self, id: NodeId) -> Option<&mut Node> {
        self.nodes.get_mut(&id).filter(|node| node.connected)
    }

    fn add(&mut self, node: Node) -> NodeId {
        let id = NodeId(self.next);
        self.next += 1;
        self.nodes.insert(id, node);
        id
    }

    fn node_of(&self, slot: u16) -> Option<NodeId> {
        let after = self.slots.partition_point(|(first, ..)| *first <= slot);
        let (_, last, id) = self.slots[..after].last()?;
        (slot <= *last).then_some(*id)
    }
}

impl Machine for State {
    type Writers = Vec<Option<Waker>>;

    /// Whether there is any connection.
    fn phase(&self) -> Phase {
        match self.ended {
            true => Phase::Ended,
            false if self.nodes.values().any(|node| node.connected) => Phase::Connected,
            false => Phase::Disconnected,
        }
    }

    fn given(&self) -> u64 {
        self.given
    }

    fn written(&self) -> u64 {
        self.given - self.nodes.values().map(Node::unwritten).sum::<u64>()
    }

    fn take_writers(&mut self) -> Vec<Option<Waker>> {
        let writers = self.nodes.values_mut().map(Node::take_writer);
        writers.filter(Option::is_some).collect()
    }

    fn break_off(&mut self) -> Vec<Waker> {
        let ids: Vec<_> = self.nodes.keys().copied().collect();
        ids.into_iter().filter_map(|id| State::break_off(self, id)).flatten().collect()
    }

    fn end(&mut self) -> Vec<Waker> {
        self.ended = true;
        let mut wakers = Machine::break_off(self);
        wakers.extend(self.end_all());
        wakers
    }
}

/// Tells a caller what the server has said: nothing, or an error.
pub(crate) type Answer = conduit_kit::Answer<Result<(), String>>;
pub(crate) type Waiting = conduit_kit::Waiting<Result<(), String>>;

/// The packets that were routed to one subscription and have not been read.
pub(crate) type Queue = conduit_kit::Queue<Packet>;

/// A channel as a key of routes, shared with what names it.
pub(crate) type Channel = Arc<str>;

/// The inbox that is told if no subscriber has received a packet, and the token that says which packet.
pub(crate) type Notice = (Channel, Token);
