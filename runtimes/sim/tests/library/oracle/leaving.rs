//! What must not get lost where an instance leaves.

use conduit::ErrorKind;

use super::{Oracle, State};
use crate::plan::Op;

impl Oracle {
    /// Whether messages wait in queue bindings, so that they are there when an instance leaves.
    pub(crate) fn queues(&self) -> bool {
        self.network.leaves
    }

    /// An instance ends its work.
    pub(crate) fn leaves(&self, at: usize, service: usize) {
        self.lock().left = Some((at, service));
    }

    /// What was for a group of which a member stays, and was lost.
    pub(super) fn lost(&self, state: &State) -> Vec<String> {
        let Some((left, service)) = state.left.filter(|_| self.network.leaves) else {
            return Vec::new();
        };
        let stays = |op: &&Op| {
            let members = self.instances[op.service] - usize::from(op.service == service);
            op.from.0 != left && members > 0
        };
        // A member beside plain bindings that has no time for a body holds them up, and is reset.
        let may_lag = |op: &&Op| op.subject.plain() > 0 && op.is_streamed(&self.limits);
        let of_group = self.ops.iter().filter(|op| op.is_for_group() && !may_lag(op));
        let mut lost = Vec::new();
        for op in of_group.filter(stays) {
            let Some(seen) = state.seen.get(&op.id) else { continue };
            let is_over = seen.given_up.is_none() && !op.body.fails();
            if !is_over || seen.runs.iter().any(|place| place.group) {
                continue;
            }
            // A request does not wait for long where others do: it is refused in the end. Or a plain
            // binding has answered it.
            let is_given_up = matches!(seen.error, Some(ErrorKind::Closed | ErrorKind::Dropped));
            let may_fail = op.request.is_some() && (!is_given_up || !seen.runs.is_empty());
            if !may_fail {
                lost.push(format!("op {}: its group did not get it: {:?}", op.id, seen.error));
            }
        }
        lost
    }
}
