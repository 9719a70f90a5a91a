//! The bindings of a route, for the task or reader that polls its subscription.

use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::Ordering},
};

use super::{Routes, route::Route};
use crate::{
    driver::{Arrival, Mailbox, mailbox::Full},
    proto::{BindingId, BindingKind, SequenceTracker},
};

/// A binding, and the message numbers that it has seen.
pub(in crate::driver) struct Member {
    pub(in crate::driver) mailbox: Arc<Mailbox>,
    pub(in crate::driver) seen: SequenceTracker,
}

/// The bindings that a packet on a route may go to, and that have a reader. In a group, the next
/// member in turn is first.
#[derive(Default)]
pub(in crate::driver) struct Members {
    changes: Option<u64>,
    members: Vec<Member>,
    direct: Direct,
}

/// A message for the reader of the only binding, past the queue.
#[derive(Default)]
enum Direct {
    #[default]
    Unwanted,
    /// The reader polls, and takes the next message directly if none waits before it.
    Wanted(BindingId),
    Given(Arrival),
}

impl Members {
    /// Updates the bindings if they may have changed.
    pub(in crate::driver) fn look_up(&mut self, routes: &Routes, route: &Route) {
        let changes = route.changes.load(Ordering::Acquire);
        if self.changes != Some(changes) || self.members.iter().any(|m| m.mailbox.is_complete()) {
            self.changes = Some(changes);
            self.look_up_anew(routes, route);
        }
    }

    #[cold]
    fn look_up_anew(&mut self, routes: &Routes, route: &Route) {
        let before = std::mem::take(&mut self.members).into_iter();
        let mut seen: BTreeMap<_, _> =
            before.map(|member| (member.mailbox.id(), member.seen)).collect();
        let mailboxes = routes.members(route).into_iter();
        let mailboxes = mailboxes.filter(|mailbox| !mailbox.is_complete());
        self.members.extend(mailboxes.map(|mailbox| {
            let seen = seen.remove(&mailbox.id()).unwrap_or_default();
            Member { mailbox, seen }
        }));
    }

    /// Returns whether a binding was the only one at the last update.
    pub(in crate::driver) fn is_only(&self, mailbox: &Mailbox) -> bool {
        matches!(&*self.members, [only] if std::ptr::eq(&*only.mailbox, mailbox))
    }

    /// Returns the bindings of the last update.
    pub(in crate::driver) fn all(&self) -> &[Member] {
        &self.members
    }

    pub(in crate::driver) fn all_mut(&mut self) -> &mut [Member] {
        &mut self.members
    }

    /// Begins a poll by the reader of a binding, which ends with [`read`](Self::read).
    pub(in crate::driver) fn begin_read(&mut self, binding: BindingId) {
        self.direct = Direct::Wanted(binding);
    }

    /// Returns whether the reader that polls has a message.
    pub(in crate::driver) fn has_read(&self) -> bool {
        matches!(self.direct, Direct::Given(_))
    }

    /// Ends a poll, and returns the message that its reader has taken.
    pub(in crate::driver) fn read(&mut self) -> Option<Arrival> {
        match std::mem::take(&mut self.direct) {
            Direct::Given(arrival) => Some(arrival),
            Direct::Unwanted | Direct::Wanted(_) => None,
        }
    }

    /// Gives a message, whose packet had `bytes`, to the member at an index.
    pub(in crate::driver) fn give(
        &mut self,
        routes: &Routes,
        at: usize,
        arrival: Arrival,
        bytes: usize,
    ) -> Result<(), Full> {
        let mailbox = &self.members[at].mailbox;
        let polls = matches!(self.direct, Direct::Wanted(binding) if binding == mailbox.id());
        if polls && mailbox.passes(&arrival) {
            self.direct = Direct::Given(arrival);
        } else {
            mailbox.push(arrival, bytes)?;
        }
        self.took(routes, at);
        Ok(())
    }

    /// Notes that the member at an index took a message.
    fn took(&mut self, routes: &Routes, at: usize) {
        let Some(Member { mailbox, .. }) = self.members.get(at) else { return };
        match mailbox.kind() {
            BindingKind::Broadcast => {}
            BindingKind::Once => routes.took(mailbox),
            // A single member is always next.
            BindingKind::Queue if self.members.len() == 1 => {}
            BindingKind::Queue => {
                routes.took(mailbox);
                let member = self.members.remove(at);
                self.members.push(member);
            }
        }
    }
}
