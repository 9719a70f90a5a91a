//! How a subscription is left without losing what was routed to it.
//!
//! Nothing more is routed to the queue; then it is looked, again and again, whether it is empty. The last
//! deliveries stand before the server's word that the consumer is cancelled. The queue of a group stays
//! bound as long as others take from it.

use super::{
    Answer, News, Side, State, Ticket,
    subscriptions::{Leaving, Stage},
};
use crate::method::{self, Durability, Table};

/// How often it is looked whether the queue of a group is empty that others take from too. It is only
/// where all members leave at once that what is in it would be lost.
const LOOKS: u32 = 50;

impl State {
    /// Begins to leave a subscription: its queue ends behind what was routed to it. Returns whether
    /// there is a connection; without one it has ended.
    pub(crate) fn leave(&mut self, ticket: &Ticket, answer: Answer) -> bool {
        let Some(sub) = self.subscriptions.all.get_mut(&ticket.id) else {
            answer.give(Ok(()));
            return true;
        };
        match &mut sub.stage {
            Stage::Leaving(leaving) => leaving.answers.push(answer),
            Stage::Consuming => {
                let is_own = !sub.is_of_group();
                let leaving = Leaving { answers: vec![answer], looks: 0, unbound: is_own };
                sub.stage = Stage::Leaving(leaving);
                let out = &mut self.out[Side::Consuming as usize];
                if is_own {
                    method::unbind(out, sub.channel, &sub.bound());
                } else {
                    // All that is here is yielded, so that there is room for the rest.
                    if let Some(last) = sub.unacknowledged.take() {
                        method::acknowledge(out, sub.channel, last, true);
                    }
                    self.look_whether_empty(ticket.id);
                }
            }
            Stage::Refused => {
                self.forget(ticket);
                answer.give(Ok(()));
            }
            Stage::Wanted | Stage::Asked(_) => {
                self.forget(ticket);
                return false;
            }
        }
        true
    }

    /// Looks whether a queue is empty, and whether others take from it.
    pub(super) fn look_whether_empty(&mut self, id: u64) {
        if let Some(sub) = self.subscriptions.all.get(&id)
            && matches!(sub.stage, Stage::Leaving(_))
        {
            let out = &mut self.out[Side::Consuming as usize];
            let nothing = Table::default();
            method::declare_queue(out, sub.channel, &sub.own, Durability::Passive, &nothing);
        }
    }

    pub(super) fn looked(&mut self, id: u64, messages: u32, consumers: u32) {
        let Some(sub) = self.subscriptions.all.get_mut(&id) else { return };
        let Stage::Leaving(leaving) = &mut sub.stage else { return };
        let out = &mut self.out[Side::Consuming as usize];
        leaving.looks = leaving.looks.saturating_add(1);
        let (is_last, is_unbound, looks) = (consumers <= 1, leaving.unbound, leaving.looks);
        if is_last && !is_unbound {
            leaving.unbound = true;
            // Its answer leads to the next look.
            return method::unbind(out, sub.channel, &sub.bound());
        }
        if !is_last && is_unbound {
            // One has come meanwhile.
            leaving.unbound = false;
            method::bind(out, sub.channel, &sub.bound());
        }
        if messages == 0 || !is_last && looks > LOOKS {
            method::cancel(out, sub.channel);
        } else {
            self.look_whether_empty(id);
        }
    }

    /// Nothing more will come.
    pub(super) fn left(&mut self, id: u64, news: &mut News) {
        let Some(sub) = self.subscriptions.all.remove(&id) else { return };
        self.close(sub.channel);
        self.remove_inbox(&sub.route.name, id);
        news.wakers.extend(sub.queue.end());
        if let Stage::Leaving(leaving) = sub.stage {
            leaving.answers.into_iter().for_each(|answer| answer.give(Ok(())));
        }
    }
}
