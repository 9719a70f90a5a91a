//! Which subscriptions there are, and what is done to make them and to leave them.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    task::Waker,
};

use bytes::Bytes;
use conduit::transport::Packet;
use conduit_kit::Pushed;

use super::{Answer, Channel, Expected, Phase, Queue, State, expected::Leaving};
use crate::{command, names::Group, script};

/// Where packets go, by channel. Several conduits of one service may share a channel.
#[derive(Default)]
pub(super) struct Routes {
    by_channel: HashMap<Channel, Route>,
    /// The members of groups among them.
    members: BTreeMap<Channel, Member>,
}

#[derive(Default)]
struct Route {
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
    /// there is a connection; without one it has ended.
    pub(crate) fn leave(&mut self, ticket: &mut Ticket, answer: Answer) -> bool {
        if self.phase != Phase::Connected {
            self.forget(ticket);
            return false;
        }
        let (channel, queue) = (Arc::clone(&ticket.channel), Arc::clone(&ticket.queue));
        // An earlier call may have unsubscribed already.
        let unsubscribes = !ticket.leaving && self.is_last(&channel);
        ticket.leaving = true;
        if unsubscribes {
            let leaving = Leaving { channel, queue: Some(queue), answer: Some(answer) };
            self.unsubscribe_at_server(leaving);
        } else {
            let leaving = Some((channel, queue));
            self.command(&[b"PING"], Expected::Mark { answer: Some(answer), leaving });
        }
        true
    }

    /// Drops a subscription with all that waits in it.
    pub(crate) fn forget(&mut self, ticket: &mut Ticket) -> Option<Waker> {
        let waker = ticket.queue.end();
        let left = !ticket.leaving && self.is_last(&ticket.channel);
        ticket.leaving = true;
        self.detach(&ticket.channel, &ticket.queue);
        if left {
            let channel = Arc::clone(&ticket.channel);
            if self.phase == Phase::Connected {
                self.unsubscribe_at_server(Leaving { channel, queue: None, answer: None });
            } else {
                self.routes.members.remove(&channel);
            }
        }
        waker
    }

    /// Notes for each group that its members are still there.
    pub(crate) fn renew(&mut self) {
        if self.phase != Phase::Connected {
            return;
        }
        let members: Vec<_> = self
            .routes
            .members
            .iter()
            .map(|(channel, member)| (Arc::clone(channel), member.renew.clone()))
            .collect();
        for (channel, renew) in members {
            self.out.extend_from_slice(&renew);
            self.expect(Expected::Renewed(channel));
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
        if self.phase != Phase::Connected {
            return;
        }
        let subscribed = Expected::Subscribed(Arc::clone(channel));
        self.command(&[b"SUBSCRIBE", channel.as_bytes()], subscribed);
        if let Some(member) = self.routes.members.get(channel) {
            let renew = member.renew.clone();
            self.out.extend_from_slice(&renew);
            self.expect(Expected::Renewed(Arc::clone(channel)));
        }
    }

    /// A member leaves its group before its subscription ends: nothing is routed to it in between.
    fn unsubscribe_at_server(&mut self, leaving: Leaving) {
        if let Some(member) = self.routes.members.remove(&leaving.channel) {
            for leave in member.leave {
                self.out.extend_from_slice(&leave);
                self.expect(Expected::Done("leave a group"));
            }
        }
        let channel = Arc::clone(&leaving.channel);
        self.command(&[b"UNSUBSCRIBE", channel.as_bytes()], Expected::Unsubscribed(leaving));
    }

    pub(super) fn subscribe_all(&mut self) {
        let routes = self.routes.by_channel.iter_mut();
        let channels: Vec<_> = routes
            .filter(|(_, route)| route.active > 0)
            .map(|(channel, route)| {
                route.denied = None;
                Arc::clone(channel)
            })
            .collect();
        for channel in channels {
            self.subscribe_at_server(&channel);
        }
    }

    pub(super) fn deny(&mut self, channel: &Channel, why: String) {
        if let Some(route) = self.routes.by_channel.get_mut(channel) {
            route.denied = Some(why);
        }
    }

    /// Gives a packet to each queue of a channel. Returns how many have no room for it.
    pub(super) fn route(&self, channel: &str, packet: &Packet, wakers: &mut Vec<Waker>) -> usize {
        let Some(route) = self.routes.by_channel.get(channel) else {
            return 0;
        };
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

    /// The connection is lost, so whatever was being left has been left.
    pub(super) fn end_leaving(&mut self) -> Vec<Waker> {
        let mut wakers = Vec::new();
        self.routes.by_channel.retain(|_, route| {
            if route.active == 0 {
                wakers.extend(route.queues.drain(..).filter_map(|queue| queue.end()));
            }
            route.active > 0
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
