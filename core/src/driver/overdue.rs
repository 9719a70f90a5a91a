//! Refuses requests that have waited in queue bindings for too long.

use std::time::{Duration, Instant};

use super::Shared;
use crate::{
    proto::{BindingKind, ReasonCode},
    transport::Target,
};

/// The minimum pause between two checks.
const SHORTEST: Duration = Duration::from_millis(1);

/// Refuses requests that have waited for too long, whether or not their binding is being read:
/// their senders ask the group again, where another member may be idle.
pub(super) async fn refuse_overdue(shared: &Shared) {
    // A request that arrives between two checks is not overdue before the second.
    let mut look = next_look(shared, shared.now());
    loop {
        let busy = shared.serving.busy.listen();
        if shared.serving.len() == 0 {
            busy.await;
            look = next_look(shared, shared.now());
        }
        shared.pause_until(look).await;
        look = look_for_overdue(shared);
    }
}

fn next_look(shared: &Shared, oldest: Instant) -> Instant {
    oldest + shared.config.request_wait.max(SHORTEST)
}

/// Refuses the requests that are overdue now. Returns when to check again.
fn look_for_overdue(shared: &Shared) -> Instant {
    let now = shared.now();
    let mut oldest = now;
    let Some(by) = now.checked_sub(shared.config.request_wait) else {
        return next_look(shared, now);
    };
    for mailbox in shared.routes.mailboxes(BindingKind::Queue) {
        let (overdue, next) = mailbox.take_requests(by);
        oldest = next.map_or(oldest, |next| oldest.min(next));
        for arrival in overdue {
            let refusal =
                arrival.replier.as_ref().map(|replier| replier.refusal(ReasonCode::Overloaded));
            if let Some((asker, failure)) = refusal.flatten() {
                shared.handing_on.hand_on(asker, failure, Target::Group);
            }
        }
    }
    shared.work.notify_drain();
    next_look(shared, oldest)
}
