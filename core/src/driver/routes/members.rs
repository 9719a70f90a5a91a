//! The bindings of a route, as whoever listens on it has last looked them up.

use std::sync::{Arc, atomic::Ordering};

use super::route::Route;
use crate::{
    driver::{Mailbox, Shared, shared::lock},
    proto::BindingKind,
};

/// The bindings that a packet on a route may go to, and that somebody reads. Of a group, the one
/// whose turn it is stands first.
#[derive(Default)]
pub(in crate::driver) struct Members {
    seen: Option<u64>,
    mailboxes: Vec<Arc<Mailbox>>,
}

impl Members {
    /// Looks them up if they may have changed.
    pub(in crate::driver) fn look_up(&mut self, shared: &Shared, route: &Route) {
        let changes = route.changes.load(Ordering::Acquire);
        if self.seen != Some(changes) || self.mailboxes.iter().any(|mailbox| mailbox.is_complete())
        {
            self.seen = Some(changes);
            let table = lock(&shared.routes.table);
            let members = table.registry.members(route.id);
            let mailboxes = members.filter_map(|id| Some(&table.readers.get(&id)?.mailbox));
            self.mailboxes.clear();
            self.mailboxes.extend(mailboxes.filter(|mailbox| !mailbox.is_complete()).cloned());
        }
    }

    /// Those that were there when they were last looked up.
    pub(in crate::driver) fn mailboxes(&self) -> &[Arc<Mailbox>] {
        &self.mailboxes
    }

    /// The one at a place took a message.
    pub(in crate::driver) fn took(&mut self, shared: &Shared, at: usize) {
        let Some(mailbox) = self.mailboxes.get(at) else { return };
        match mailbox.kind() {
            BindingKind::Broadcast => {}
            BindingKind::Once => shared.took(mailbox),
            // One that is alone is always next.
            BindingKind::Queue if self.mailboxes.len() == 1 => {}
            BindingKind::Queue => {
                shared.took(mailbox);
                let mailbox = self.mailboxes.remove(at);
                self.mailboxes.push(mailbox);
            }
        }
    }
}
