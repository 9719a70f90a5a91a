//! Which servers of a cluster are wanted, and what moves from one to another.

use std::task::Waker;

use conduit_kit::Phase;
use conduit_socket::Host as Server;

use super::{Node, NodeId, State, Ticket};
use crate::slots::Range;

impl State {
    /// Takes over who has which slots. Subscriptions move where the slots have moved; a server that has
    /// none any more is forgotten.
    pub(crate) fn place(&mut self, ranges: Vec<Range>) -> Vec<Waker> {
        self.cluster = true;
        self.slots = Vec::with_capacity(ranges.len());
        for Range { first, last, primary } in ranges {
            let known = self.nodes.iter().find(|(_, node)| node.server.as_ref() == Some(&primary));
            let id = match known {
                Some((id, _)) => *id,
                None => self.add(Node::at(primary)),
            };
            self.slots.push((first, last, id));
        }
        self.slots.sort_unstable();
        let gone = self.nodes.keys().filter(|id| !self.slots.iter().any(|slot| slot.2 == **id));
        let gone: Vec<_> = gone.copied().collect();
        let mut wakers = Vec::new();
        for id in gone {
            wakers.extend(State::break_off(self, id).unwrap_or_default());
            self.nodes.remove(&id);
        }
        self.stale = false;
        self.subscribe_all();
        // Some connection always tells whether the cluster is there.
        if !self.nodes.values().any(|node| node.wanted)
            && let Some(id) = self.nodes.keys().next()
        {
            self.want_node(*id);
        }
        wakers
    }

    /// Has the server of a slot driven, if there is one.
    pub(crate) fn want(&mut self, slot: u16) {
        match self.node_of(slot) {
            Some(id) => self.want_node(id),
            None => self.stale |= self.cluster,
        }
    }

    pub(super) fn want_node(&mut self, id: NodeId) {
        if let Some(node) = self.nodes.get_mut(&id).filter(|node| !node.wanted) {
            node.wanted = true;
            self.opening.push(id);
        }
    }

    /// Something drives it.
    pub(crate) fn driven(&mut self, id: NodeId) {
        self.want_node(id);
        self.opening.retain(|opening| *opening != id);
    }

    /// Nothing drives it after all.
    pub(crate) fn not_driven(&mut self, id: NodeId) {
        if let Some(node) = self.nodes.get_mut(&id) {
            node.wanted = false;
        }
    }

    /// Takes the servers that want a driver.
    pub(crate) fn take_opening(&mut self) -> Vec<NodeId> {
        std::mem::take(&mut self.opening)
    }

    /// Whether packets of a slot can be published.
    pub(crate) fn phase_of(&self, slot: u16) -> Phase {
        let node = self.node_of(slot).and_then(|id| self.nodes.get(&id));
        self.phase_if(node.is_some_and(|node| node.connected))
    }

    /// Whether a subscription was made at a server.
    pub(crate) fn phase_at(&self, ticket: &Ticket) -> Phase {
        self.phase_if(self.home(&ticket.channel).is_some())
    }

    /// Whether all subscriptions were made at servers, and there is one.
    pub(crate) fn settled(&self) -> Phase {
        let any = self.nodes.values().any(|node| node.connected);
        self.phase_if(any && self.all_have_homes())
    }

    /// Whether no connection is missing.
    pub(crate) fn is_whole(&self) -> bool {
        let missing = self.nodes.values().any(|node| node.missing);
        !self.ended && !missing && self.all_have_homes()
    }

    fn phase_if(&self, connected: bool) -> Phase {
        match (self.ended, connected) {
            (true, _) => Phase::Ended,
            (false, true) => Phase::Connected,
            (false, false) => Phase::Disconnected,
        }
    }

    pub(crate) fn is_cluster(&self) -> bool {
        self.cluster
    }

    /// Whether it is to be asked who has which slots.
    pub(crate) fn is_stale(&self) -> bool {
        self.stale
    }

    /// There is no connection to a server: it may have no slots any more.
    pub(crate) fn doubt(&mut self, id: NodeId) {
        self.stale |= self.cluster;
        if let Some(node) = self.nodes.get_mut(&id) {
            node.missing = true;
        }
    }

    pub(crate) fn is_known(&self, id: NodeId) -> bool {
        self.nodes.contains_key(&id)
    }

    /// Where a server is.
    pub(crate) fn server(&self, id: NodeId) -> Option<Server> {
        self.nodes.get(&id)?.server.clone()
    }

    /// All servers that have slots.
    pub(crate) fn servers(&self) -> Vec<(NodeId, Server)> {
        let servers = self.nodes.iter().map(|(id, node)| Some((*id, node.server.clone()?)));
        servers.flatten().collect()
    }

    /// Looks after a server, once in a while: whether it takes what is written, and is a primary still.
    pub(crate) fn tick(&mut self, id: NodeId) {
        if self.cluster
            && let Some(node) = self.connected(id)
        {
            node.tick();
            node.command(&[b"HELLO"], super::Expected::Role(None));
        }
    }
}
