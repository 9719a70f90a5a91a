//! The bindings of a route, as whoever listens on it has last looked them up.

use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::Ordering},
};

use super::route::Route;
use crate::{
    driver::{Arrival, Mailbox, Shared, ground::lock, mailbox::Full},
    proto::{BindingId, BindingKind, Seen},
};

/// A binding, and what it has seen of the numbers of the messages to it.
pub(in crate::driver) struct Member {
    pub(in crate::driver) mailbox: Arc<Mailbox>,
    pub(in crate::driver) seen: Seen,
}

/// The bindings that a packet on a route may go to, and that somebody reads. Of a group, the one
/// whose turn it is stands first.
#[derive(Default)]
pub(in crate::driver) struct Members {
    changes: Option<u64>,
    members: Vec<Member>,
    reader: Reader,
}

/// The reader of a binding that was the only one.
#[derive(Default)]
enum Reader {
    #[default]
    Away,
    /// It polls, and takes the next message at once if nothing waits before it.
    Polls(BindingId),
    Took(Arrival),
}

impl Members {
    /// Looks them up if they may have changed.
    pub(in crate::driver) fn look_up(&mut self, shared: &Shared, route: &Route) {
        let changes = route.changes.load(Ordering::Acquire);
        if self.changes != Some(changes) || self.members.iter().any(|m| m.mailbox.is_complete()) {
            self.changes = Some(changes);
            self.look_up_anew(shared, route);
        }
    }

    #[cold]
    fn look_up_anew(&mut self, shared: &Shared, route: &Route) {
        let before = std::mem::take(&mut self.members).into_iter();
        let mut seen: BTreeMap<_, _> =
            before.map(|member| (member.mailbox.id(), member.seen)).collect();
        let table = lock(&shared.routes.table);
        let readers = table.registry.members(route.id).filter_map(|id| table.readers.get(&id));
        let mailboxes = readers.map(|reader| &reader.mailbox);
        let mailboxes = mailboxes.filter(|mailbox| !mailbox.is_complete());
        self.members.extend(mailboxes.map(|mailbox| {
            let seen = seen.remove(&mailbox.id()).unwrap_or_default();
            Member { mailbox: Arc::clone(mailbox), seen }
        }));
    }

    /// Whether a binding was the only one when they were last looked up.
    pub(super) fn is_only(&self, mailbox: &Mailbox) -> bool {
        matches!(&*self.members, [only] if std::ptr::eq(&*only.mailbox, mailbox))
    }

    /// Those that were there when they were last looked up.
    pub(in crate::driver) fn all(&self) -> &[Member] {
        &self.members
    }

    pub(in crate::driver) fn all_mut(&mut self) -> &mut [Member] {
        &mut self.members
    }

    /// Lets the reader of a binding poll. It ends with [`read`](Self::read).
    pub(super) fn begin_read(&mut self, binding: BindingId) {
        self.reader = Reader::Polls(binding);
    }

    /// Whether the reader that polls has a message.
    pub(super) fn has_read(&self) -> bool {
        matches!(self.reader, Reader::Took(_))
    }

    /// What the reader that polled has got.
    pub(super) fn read(&mut self) -> Option<Arrival> {
        match std::mem::take(&mut self.reader) {
            Reader::Took(arrival) => Some(arrival),
            Reader::Away | Reader::Polls(_) => None,
        }
    }

    /// Gives a message, whose packet had so many bytes, to the one at a place.
    pub(in crate::driver) fn give(
        &mut self,
        shared: &Shared,
        at: usize,
        arrival: Arrival,
        bytes: usize,
    ) -> Result<(), Full> {
        let mailbox = &self.members[at].mailbox;
        let polls = matches!(self.reader, Reader::Polls(binding) if binding == mailbox.id());
        if polls && mailbox.passes(shared, &arrival) {
            self.reader = Reader::Took(arrival);
        } else {
            mailbox.push(shared, arrival, bytes)?;
        }
        self.took(shared, at);
        Ok(())
    }

    /// The one at a place took a message.
    fn took(&mut self, shared: &Shared, at: usize) {
        let Some(Member { mailbox, .. }) = self.members.get(at) else { return };
        match mailbox.kind() {
            BindingKind::Broadcast => {}
            BindingKind::Once => shared.took(mailbox),
            // One that is alone is always next.
            BindingKind::Queue if self.members.len() == 1 => {}
            BindingKind::Queue => {
                shared.took(mailbox);
                let member = self.members.remove(at);
                self.members.push(member);
            }
        }
    }
}
