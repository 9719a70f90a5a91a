//! Which subscriptions there are, and what is done to make them. Each has a channel of its own on the
//! consuming connection: what the server does not let one have leaves the others alone.

use std::{collections::HashMap, sync::Arc, task::Waker};

use conduit::transport::{Packet, Token};
use conduit_kit::Pushed;

use super::{Answer, News, Phase, Queue, Side, State, Tag, Waiting, exchanges, incoming::Content};
use crate::{
    frame::Fault,
    method::{self, Bound, Durability, Table},
    names::{QueueName, Route},
};

/// How many packets a member of a group may hold that it has not taken. It is what is lost with it.
pub(super) const PREFETCH: u16 = 16;

/// How many bytes a queue holds at the server; what comes then is dropped.
const MOST_BYTES: u32 = 32 << 20;

/// After how many milliseconds without a member a queue goes that a restart of the server has left.
const EXPIRES: u32 = 60_000;

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

    pub(super) fn begin_subscriptions(&mut self, channels: u16, salt: &str) {
        let subscriptions = &mut self.subscriptions;
        subscriptions.used = exchanges::CHANNEL;
        subscriptions.most = channels;
        salt.clone_into(&mut subscriptions.salt);
    }

    pub(super) fn subscribe_all(&mut self, news: &mut News) {
        let wanted = |(id, sub): (&u64, &Sub)| matches!(sub.stage, Stage::Wanted).then_some(*id);
        let mut wanted: Vec<u64> = self.subscriptions.all.iter().filter_map(wanted).collect();
        wanted.sort_unstable();
        for id in wanted {
            self.subscribe_at_server(id, news);
        }
    }

    pub(super) fn subscribe_at_server(&mut self, id: u64, news: &mut News) {
        let Some(channel) = self.subscriptions.channel() else {
            let most = self.subscriptions.most;
            let text = format!("the server lets a connection have {most} channels (channel_max)");
            return self.refused(id, Fault { code: 0, text }, news);
        };
        let subscriptions = &mut self.subscriptions;
        subscriptions.consumers += 1;
        let consumer = subscriptions.consumers;
        let Some(sub) = subscriptions.all.get_mut(&id) else { return };
        subscriptions.channels.insert(channel, Some(id));
        sub.stage = Stage::Asked(if sub.is_of_group() { 3 } else { 2 });
        sub.tries = sub.tries.saturating_add(1);
        (sub.channel, sub.consumer, sub.unacknowledged) = (channel, consumer, None);
        let salt = &subscriptions.salt;
        let arguments = Table::default()
            .text("x-queue-type", "classic")
            .number("x-max-length-bytes", MOST_BYTES)
            .text("x-overflow", "reject-publish");
        let (durability, arguments) = match &sub.route.queue {
            QueueName::Own(beginning) => {
                sub.own = format!("{beginning}{salt}.{consumer}");
                (Durability::Exclusive, arguments)
            }
            QueueName::Group(name) => {
                sub.own = name.to_string();
                (Durability::Durable, arguments.number("x-expires", EXPIRES))
            }
        };
        let out = &mut self.out[Side::Consuming as usize];
        method::open_channel(out, channel);
        method::declare_queue(out, channel, &sub.own, durability, &arguments);
        method::bind(out, channel, &sub.bound());
        if sub.is_of_group() {
            method::prefetch(out, channel, PREFETCH);
        }
        method::consume(out, channel, &sub.own, sub.is_of_group());
        if sub.is_of_group() {
            // The last member to leave may have removed the binding before it saw that there is another.
            method::bind(out, channel, &sub.bound());
        }
    }

    /// The server has done another thing of what makes a subscription.
    pub(super) fn made(&mut self, id: u64) {
        let Some(sub) = self.subscriptions.all.get_mut(&id) else { return };
        let Stage::Asked(left) = &mut sub.stage else { return };
        *left -= 1;
        if *left == 0 {
            (sub.stage, sub.tries) = (Stage::Consuming, 0);
            if let Some(asked) = sub.asked.take() {
                asked.give(Ok(()));
            }
        }
    }

    /// The server does not let us have it.
    pub(super) fn refused(&mut self, id: u64, fault: Fault, news: &mut News) {
        let Some(sub) = self.subscriptions.all.get_mut(&id) else { return };
        sub.stage = Stage::Refused;
        match fault.is_denied() {
            true => news.denied.push((sub.route.name.to_string(), fault.to_string())),
            false => news.errors.push(fault.to_string()),
        }
        if let Some(asked) = sub.asked.take() {
            asked.give(Err(fault));
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
