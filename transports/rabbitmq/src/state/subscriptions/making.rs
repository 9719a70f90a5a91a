//! How subscriptions are made at the server.

use super::{Stage, Sub};
use crate::{
    frame::Fault,
    method::{self, Durability, Table},
    names::QueueName,
    state::{News, Side, State, exchanges},
};

/// How many packets a member of a group may hold that it has not taken. It is what is lost with it.
const PREFETCH: u16 = 16;

/// How many bytes a queue holds at the server; what comes then is dropped.
const MOST_BYTES: u32 = 32 << 20;

/// After how many milliseconds without a member a queue goes that a restart of the server has left.
const EXPIRES: u32 = 60_000;

impl State {
    pub(in crate::state) fn begin_subscriptions(&mut self, channels: u16, salt: &str) {
        let subscriptions = &mut self.subscriptions;
        subscriptions.used = exchanges::CHANNEL;
        subscriptions.most = channels;
        salt.clone_into(&mut subscriptions.salt);
    }

    pub(in crate::state) fn subscribe_all(&mut self, news: &mut News) {
        let wanted = |(id, sub): (&u64, &Sub)| matches!(sub.stage, Stage::Wanted).then_some(*id);
        let mut wanted: Vec<u64> = self.subscriptions.all.iter().filter_map(wanted).collect();
        wanted.sort_unstable();
        for id in wanted {
            self.subscribe_at_server(id, news);
        }
    }

    pub(in crate::state) fn subscribe_at_server(&mut self, id: u64, news: &mut News) {
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
    pub(in crate::state) fn made(&mut self, id: u64) {
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
    pub(in crate::state) fn refused(&mut self, id: u64, fault: Fault, news: &mut News) {
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
}
