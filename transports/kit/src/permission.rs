use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Instant,
};

use crate::Places;

/// When publishing to one address was last known to be permitted, so that it takes one comparison to know
/// that it still is.
#[derive(Debug)]
pub struct LastPermitted(AtomicU64);

/// Whether publishing to an address is permitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permission {
    /// It is, as far as is known.
    Known,
    /// It is to be asked for. The answer [counts](Places::permit) for this generation.
    Ask(u64),
    /// It is not known, and not to be asked for either: peers choose the inboxes that are answered to,
    /// so few are asked for.
    Unasked(u64),
}

impl Default for LastPermitted {
    fn default() -> Self {
        Self(AtomicU64::new(u64::MAX))
    }
}

impl Places {
    /// Returns whether publishing to a channel in a place is permitted. That it is asked for an inbox is
    /// counted if `asks`.
    #[must_use]
    pub fn permission(
        &self,
        last: &LastPermitted,
        (place, channel): (&str, &str),
        is_inbox: bool,
        asks: bool,
    ) -> Permission {
        let changes = self.changes();
        if last.0.load(Ordering::Relaxed) == changes {
            return Permission::Known;
        }
        let Some(generation) = self.is_unknown(place, channel) else {
            last.0.store(changes, Ordering::Relaxed);
            return Permission::Known;
        };
        let may_ask = match (is_inbox, asks) {
            (false, _) => true,
            (true, true) => self.may_ask_for_inbox(Instant::now()),
            (true, false) => self.could_ask_for_inbox(Instant::now()),
        };
        if may_ask { Permission::Ask(generation) } else { Permission::Unasked(generation) }
    }
}
