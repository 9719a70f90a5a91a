//! What conduits may hold at any moment.

use conduit::Conduit;
use conduit_json::Json;

use super::Oracle;
use crate::plan::{Subject, TASKS};

/// Those of an instance.
const BINDINGS: usize =
    Subject::Note.bindings() + Subject::Job.bindings() + Subject::Both.bindings();

impl Oracle {
    /// It has to keep within its limits from now on.
    pub(crate) fn watch(&self, conduit: Conduit<Json>) {
        self.lock().watched.push(conduit);
    }

    /// Something has moved: looks at all that are watched.
    pub(crate) fn look(&self) {
        let watched = self.lock().watched.clone();
        for conduit in &watched {
            let stats = conduit.stats();
            let limits = &self.limits;
            // The first bytes of a reply are granted with its request, whatever is free.
            let incoming = limits.budget + TASKS as u64 * limits.first_window;
            let outgoing = limits.window * stats.outgoing_bodies as u64;
            let bodies = limits.bodies_at_all() + TASKS;
            // Where nothing waits there is room for one of any size.
            let waiting = limits.waiting_bytes.max(limits.packet()) * (BINDINGS + TASKS) as u64;
            if stats.incoming_bytes > incoming
                || stats.outgoing_bytes > outgoing
                || stats.incoming_bodies > bodies
                || stats.waiting_bytes > waiting
            {
                self.wrong(format!("beyond its limits: {stats:?}, and they are {limits:?}"));
            }
        }
    }
}
