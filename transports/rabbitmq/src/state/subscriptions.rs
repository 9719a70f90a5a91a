//! Which subscriptions there are, and what is done to make them. Each has a channel of its own on the
//! consuming connection: what the server does not let one have leaves the others alone.

mod making;

use std::{collections::HashMap, sync::Arc, task::Waker};

use conduit::transport::{Packet, Token};
use conduit_kit::Pushed;

use super::{Answer, News, Phase, Queue, Side, State, Tag, Waiting, incoming::Content};
use crate::{
    method::{self, Bound},
    names::{QueueName, Route},
};

#[derive(Default)]
pub(super) struct Subscriptions {
    pub(super) all: HashMap<u64, Sub>,
    /// The inboxes among them, by name.
    inboxes: HashMap<Arc<str>, u64>,
    /// Which subscription a channel is of; `None` while it is being closed.
    pub(super) channels: HashMap<u16, Option<u64>>,
    /// The packets that are arriving, by channel.
    pub(super) contents: HashMap<u16, Content>,
    free: Vec<u16>,
    /// The greatest number of a channel that was ever used on this connection, and may be.
    used: u16,
    most: u16,
    /// How many subscriptions, and consumers, there have been.
    made: u64,
    consumers: u64,
    /// What makes the names of queues other ones than those of any other connection.
    salt: String,
}

pub(super) struct Sub {
    pub(super) route: Route,
    pub(super) queue: Arc<Queue>,
    pub(super) stage: Stage,
    /// The name of its queue, its channel and its consumer on this connection.
    pub(super) own: String,
    pub(super) channel: u16,
    pub(super) consumer: u64,
    /// The number of the last delivery that is to be acknowledged.
    pub(super) unacknowledged: Option<u64>,
    /// How often it was begun since it was last in force.
    pub(super) tries: u8,
    /// A caller waits until it is in force.
    asked: Option<Answer>,
}

pub(super) enum Stage {
    /// It is to be made.
    Wanted,
    /// It is being made.
    /// So many answers are still to come, in any order.
    Asked(u8),
    Consuming,
    Leaving(Leaving),
    /// The server does not let us have it.
    Refused,
}

/// How far a subscription has been left.
#[derive(Default)]
pub(super) struct Leaving {
    /// Callers wait for it.
    pub(super) answers: Vec<Answer>,
    /// How often it was looked whether the queue is empty.
    pub(super) looks: u32,
    /// Nothing is routed to the queue any more.
    pub(super) unbound: bool,
}

/// One subscription.
#[derive(Debug)]
pub(crate) struct Ticket {
    pub(crate) id: u64,
    pub(crate) queue: Arc<Queue>,
}

impl Subscriptions {
    /// Returns whether the server has answered about each.
    pub(super) fn are_settled(&self) -> bool {
        !self.all.values().any(|sub| matches!(sub.stage, Stage::Wanted | Stage::Asked(_)))
    }

    fn channel(&mut self) -> Option<u16> {
        self.free.pop().or_else(|| {
            self.used = self.used.checked_add(1).filter(|next| *next <= self.most)?;
            Some(self.used)
        })
    }

    /// The server has closed a channel.
    pub(super) fn release(&mut self, channel: u16) {
        self.contents.remove(&channel);
        if self.channels.remove(&channel).is_some() {
            self.free.push(channel);
        }
    }
}

impl Sub {
    pub(super) fn is_of_group(&self) -> bool {
        matches!(self.route.queue, QueueName::Group(_))
    }

    /// Its binding. The members of a group share theirs.
    pub(super) fn bound(&self) -> Bound<'_> {
        Bound { queue: &self.own, exchange: &self.route.exchange, key: &self.route.key }
    }
}

impl State {
    /// Adds a subscription, which is made as soon as there is a connection.
    pub(crate) fn subscribe(&mut self, route: Route, queue: Arc<Queue>) -> (Ticket, Waiting) {
        let (answer, waiting) = Answer::new();
        let subscriptions = &mut self.subscriptions;
        subscriptions.made += 1;
        let id = subscriptions.made;
        subscriptions.inboxes.insert(Arc::clone(&route.name), id);
        let sub = Sub {
            route,
            queue: Arc::clone(&queue),
            stage: Stage::Wanted,
            own: String::new(),
            channel: 0,
            consumer: 0,
            unacknowledged: None,
            tries: 0,
            asked: Some(answer),
        };
        subscriptions.all.insert(id, sub);
        if self.phase == Phase::Connected {
            self.subscribe_at_server(id, &mut News::default());
        }
        (Ticket { id, queue }, waiting)
    }

    /// Drops a subscription with all that waits in it.
    pub(crate) fn forget(&mut self, ticket: &Ticket) -> Option<Waker> {
        let Some(sub) = self.subscriptions.all.remove(&ticket.id) else {
            return ticket.queue.end();
        };
        self.close(sub.channel);
        self.remove_inbox(&sub.route.name, ticket.id);
        sub.queue.end()
    }

    /// Acknowledges a packet that is about to be yielded.
    pub(crate) fn acknowledge(&mut self, ticket: &Ticket, tag: Tag) {
        let Some(sub) = self.subscriptions.all.get_mut(&ticket.id) else { return };
        if sub.consumer == tag.consumer && matches!(sub.stage, Stage::Consuming) {
            sub.unacknowledged = sub.unacknowledged.filter(|last| *last != tag.number);
            let out = &mut self.out[Side::Consuming as usize];
            method::acknowledge(out, sub.channel, tag.number, false);
        }
    }

    /// Closes a channel, if it is open.
    pub(super) fn close(&mut self, channel: u16) {
        if self.connection().is_some()
            && let Some(sub) = self.subscriptions.channels.get_mut(&channel)
            && sub.take().is_some()
        {
            self.subscriptions.contents.remove(&channel);
            method::close_channel(&mut self.out[Side::Consuming as usize], channel);
        }
    }

    pub(super) fn notice(&mut self, inbox: &Arc<str>, token: Token, news: &mut News) {
        let sub = self.subscriptions.inboxes.get(inbox).copied();
        if let Some(sub) = sub.and_then(|id| self.subscriptions.all.get(&id)) {
            push(&sub.queue, Packet::Undelivered(token), None, news);
        }
    }

    /// The connection is lost: what was being left has been left.
    pub(super) fn break_subscriptions(&mut self) -> Vec<Waker> {
        let subscriptions = &mut self.subscriptions;
        subscriptions.channels.clear();
        subscriptions.contents.clear();
        subscriptions.free.clear();
        let mut wakers = Vec::new();
        subscriptions.all.retain(|_, sub| {
            let left = matches!(sub.stage, Stage::Leaving(..));
            if left {
                wakers.extend(sub.queue.end());
            }
            (sub.stage, sub.channel, sub.consumer) = (Stage::Wanted, 0, 0);
            !left
        });
        subscriptions.inboxes.retain(|_, id| subscriptions.all.contains_key(id));
        wakers
    }

    pub(super) fn end_subscriptions(&mut self) -> Vec<Waker> {
        let subscriptions = std::mem::take(&mut self.subscriptions);
        subscriptions.all.into_values().filter_map(|sub| sub.queue.end()).collect()
    }

    pub(super) fn remove_inbox(&mut self, name: &Arc<str>, id: u64) {
        if self.subscriptions.inboxes.get(name) == Some(&id) {
            self.subscriptions.inboxes.remove(name);
        }
    }
}

pub(super) fn push(queue: &Queue, packet: Packet, tag: Option<Tag>, news: &mut News) -> bool {
    let length = match &packet {
        Packet::Data(bytes) => bytes.len(),
        Packet::Undelivered(_) => 0,
    };
    match queue.push((packet, tag), length) {
        Pushed::Waiting(reader) => {
            news.wakers.extend(reader);
            true
        }
        Pushed::Full => {
            news.dropped += 1;
            false
        }
    }
}
