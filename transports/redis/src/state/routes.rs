//! Which subscriptions there are, and what is done to make them and to leave them.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    task::Waker,
};

use bytes::Bytes;
use conduit::transport::Packet;
use conduit_kit::Pushed;

use super::{Answer, Channel, Expected, NodeId, Queue, State, expected::Leaving};
use crate::{command, names::Group, script, slots};

/// Where packets go, by channel. Several conduits of one service may share a channel.
#[derive(Default)]
pub(super) struct Routes {
    by_channel: HashMap<Channel, Route>,
    /// The members of groups among them.
    members: BTreeMap<Channel, Member>,
}

#[derive(Default)]
struct Route {
    slot: u16,
    /// The server at which the subscription was made, or is being left.
    home: Option<NodeId>,
    queues: Vec<Arc<Queue>>,
    /// How many of them are not being left.
    active: usize,
    /// Why the server does not let us have it.
    denied: Option<String>,
}

/// A member of a group: the commands that note that it is there, and that it leaves.
#[derive(Clone)]
pub(crate) struct Member {
    renew: Bytes,
    leave: [Bytes; 2],
}

/// One subscription.
#[derive(Debug)]
pub(crate) struct Ticket {
    pub(crate) channel: Channel,
    pub(crate) queue: Arc<Queue>,
    /// It is being left, or was.
    pub(crate) leaving: bool,
}

impl Member {
    pub(crate) fn new(group: &Group, id: &str) -> Self {
        let Group { turns, seen, .. } = group;
        let renew = [
            b"EVALSHA",
            script::RENEW.sha.as_bytes(),
            b"2",
            turns.as_bytes(),
            seen.as_bytes(),
            id.as_bytes(),
        ];
        let leave = |key: &str| command::of(&[b"ZREM", key.as_bytes(), id.as_bytes()]).into();
        Self { renew: command::of(&renew).into(), leave: [leave(turns), leave(seen)] }
    }
}

impl State {
    /// Adds a subscription, which is made as soon as there is a connection.
    pub(crate) fn subscribe(
        &mut self,
        channel: Channel,
        queue: Arc<Queue>,
        member: Option<Member>,
    ) -> Ticket {
        let route = self.routes.by_channel.entry(Arc::clone(&channel)).or_default();
        route.slot = slots::of(&channel);
        route.queues.push(Arc::clone(&queue));
        route.active += 1;
        if let Some(member) = member {
            self.routes.members.insert(Arc::clone(&channel), member);
        }
        // One that was denied is tried again.
        if route.active == 1 || route.denied.take().is_some() {
            self.subscribe_at_server(&channel);
        }
        Ticket { channel, queue, leaving: false }
    }

    /// Why the server did not permit a subscription.
    pub(crate) fn denied(&self, ticket: &Ticket) -> Option<String> {
        self.routes.by_channel.get(&ticket.channel)?.denied.clone()
    }

    /// Begins to leave a subscription: its queue ends behind what was routed to it. Returns whether
    /// there is a server that it was made at; without one it has ended.
    pub(crate) fn leave(&mut self, ticket: &mut Ticket, answer: Answer) -> bool {
        let Some(home) = self.home(&ticket.channel) else {
            self.forget(ticket);
            return false;
        };
        let (channel, queue) = (Arc::clone(&ticket.channel), Arc::clone(&ticket.queue));
        // An earlier call may have unsubscribed already.
        let unsubscribes = !ticket.leaving && self.is_last(&channel);
        ticket.leaving = true;
        if unsubscribes {
            let leaving = Leaving { channel, queue: Some(queue), answer: Some(answer) };
            self.unsubscribe_at_server(home, leaving);
        } else if let Some(node) = self.connected(home) {
            let leaving = Some((channel, queue));
            node.command(&[b"PING"], Expected::Mark { answer: Some(answer), leaving });
        }
        true
    }

    /// Drops a subscription with all that waits in it.
    pub(crate) fn forget(&mut self, ticket: &mut Ticket) -> Option<Waker> {
        let waker = ticket.queue.end();
        let home = self.home(&ticket.channel);
        let left = !ticket.leaving && self.is_last(&ticket.channel);
        ticket.leaving = true;
        self.detach(&ticket.channel, &ticket.queue);
        if left {
            let channel = Arc::clone(&ticket.channel);
            if let Some(home) = home {
                self.unsubscribe_at_server(home, Leaving { channel, queue: None, answer: None });
            } else {
                self.routes.members.remove(&channel);
            }
        }
        waker
    }

    /// Notes for each group whose members are at a server that they are still there.
    pub(crate) fn renew(&mut self, id: NodeId) {
        let Self { routes, nodes, .. } = self;
        let Some(node) = nodes.get_mut(&id).filter(|node| node.connected) else { return };
        for (channel, member) in &routes.members {
            if routes.by_channel.get(channel).is_some_and(|route| route.home == Some(id)) {
                node.repeat(&member.renew, Expected::Renewed(Arc::clone(channel)));
            }
        }
    }

    /// Takes one holder from a channel, and says whether it was the last.
    fn is_last(&mut self, channel: &Channel) -> bool {
        let Some(route) = self.routes.by_channel.get_mut(channel) else {
            return false;
        };
        route.active = route.active.saturating_sub(1);
        route.active == 0
    }

    fn subscribe_at_server(&mut self, channel: &Channel) {
        let Some(slot) = self.routes.by_channel.get(channel).map(|route| route.slot) else {
            return;
        };
        self.want(slot);
        let home = self.node_of(slot);
        let home = home.filter(|id| self.connected(*id).is_some());
        self.set_home(channel, home);
        let Self { routes, nodes, .. } = self;
        let Some(node) = home.and_then(|id| nodes.get_mut(&id)) else { return };
        let subscribed = Expected::Subscribed(Arc::clone(channel));
        node.command(&[b"SSUBSCRIBE", channel.as_bytes()], subscribed);
        if let Some(member) = routes.members.get(channel) {
            node.repeat(&member.renew, Expected::Renewed(Arc::clone(channel)));
        }
    }

    /// A member leaves its group before its subscription ends: nothing is routed to it in between.
    fn unsubscribe_at_server(&mut self, home: NodeId, leaving: Leaving) {
        let cluster = self.cluster;
        let member = self.routes.members.remove(&leaving.channel);
        let Some(node) = self.connected(home) else { return };
        for leave in member.into_iter().flat_map(|member| member.leave) {
            node.repeat(&leave, Expected::Done("leave a group"));
        }
        let channel = Arc::clone(&leaving.channel);
        node.command(&[b"SUNSUBSCRIBE", channel.as_bytes()], Expected::Unsubscribed(leaving));
        if cluster {
            // A slot that moves in this moment ends the subscription by the same words. The answer to
            // the command is then one too many, which shows here.
            node.mark(None);
        }
    }

    /// Makes the subscriptions that are not made where their slots are.
    pub(super) fn subscribe_all(&mut self) {
        let routes = self.routes.by_channel.iter();
        let elsewhere = routes.filter(|(_, route)| {
            route.active > 0 && (route.home.is_none() || route.home != self.node_of(route.slot))
        });
        let channels: Vec<_> = elsewhere.map(|(channel, _)| Arc::clone(channel)).collect();
        for channel in channels {
            if let Some(route) = self.routes.by_channel.get_mut(&channel) {
                route.denied = None;
            }
            self.subscribe_at_server(&channel);
        }
    }

    /// The server at which a subscription was made.
    pub(super) fn home(&self, channel: &str) -> Option<NodeId> {
        self.routes.by_channel.get(channel)?.home
    }

    /// Returns whether something has changed for a subscription.
    pub(super) fn set_home(&mut self, channel: &str, home: Option<NodeId>) -> bool {
        let Some(route) = self.routes.by_channel.get_mut(channel) else { return false };
        std::mem::replace(&mut route.home, home) != home && route.active > 0
    }

    pub(super) fn all_have_homes(&self) -> bool {
        self.routes.by_channel.values().all(|route| route.active == 0 || route.home.is_some())
    }

    pub(super) fn deny(&mut self, channel: &Channel, why: String) {
        if let Some(route) = self.routes.by_channel.get_mut(channel) {
            route.denied = Some(why);
        }
    }

    /// Gives a packet to each queue of a channel. Returns how many have no room for it. What a server
    /// says that the channel has moved from does not count, so that nothing comes twice.
    pub(super) fn route(
        &self,
        from: Option<NodeId>,
        channel: &str,
        packet: &Packet,
        wakers: &mut Vec<Waker>,
    ) -> usize {
        let Some(route) = self.routes.by_channel.get(channel) else {
            return 0;
        };
        if from.is_some() && from != route.home {
            return 0;
        }
        let length = match packet {
            Packet::Data(bytes) => bytes.len(),
            Packet::Undelivered(_) => 0,
        };
        let mut full = 0;
        for queue in &route.queues {
            match queue.push(packet.clone(), length) {
                Pushed::Waiting(reader) => wakers.extend(reader),
                Pushed::Full => full += 1,
            }
        }
        full
    }

    /// Ends a queue, which has got all that was routed to it.
    pub(super) fn end_queue(&mut self, channel: &Channel, queue: &Arc<Queue>) -> Option<Waker> {
        self.detach(channel, queue);
        queue.end()
    }

    /// The connection to a server is lost, so whatever was being left there has been left.
    pub(super) fn detach_all(&mut self, id: NodeId) -> Vec<Waker> {
        let mut wakers = Vec::new();
        self.routes.by_channel.retain(|_, route| {
            // One that no server has was lost with an earlier connection.
            if route.home.is_none_or(|home| home == id) {
                route.home = None;
                if route.active == 0 {
                    wakers.extend(route.queues.drain(..).filter_map(|queue| queue.end()));
                    return false;
                }
            }
            true
        });
        wakers
    }

    pub(super) fn end_all(&mut self) -> Vec<Waker> {
        let routes = std::mem::take(&mut self.routes);
        let queues = routes.by_channel.into_values().flat_map(|route| route.queues);
        queues.filter_map(|queue| queue.end()).collect()
    }

    fn detach(&mut self, channel: &Channel, queue: &Arc<Queue>) {
        if let Some(route) = self.routes.by_channel.get_mut(channel) {
            route.queues.retain(|other| !Arc::ptr_eq(other, queue));
            if route.queues.is_empty() && route.active == 0 {
                self.routes.by_channel.remove(channel);
            }
        }
    }
}
