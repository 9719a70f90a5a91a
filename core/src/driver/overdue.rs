//! Refuses requests that have waited in queue bindings for too long.

use std::time::{Duration, Instant};

use super::Shared;
use crate::{
    proto::{BindingKind, ReasonCode},
    transport::Target,
};

/// The minimum pause between two checks.
const SHORTEST: Duration = Duration::from_millis(1);

impl Shared {
    /// Refuses requests that have waited for too long, whether or not their binding is being read:
    /// their senders ask the group again, where another member may be idle.
    pub(super) async fn refuse_overdue(&self) {
        // A request that arrives between two checks is not overdue before the second.
        let mut look = self.next_look(self.now());
        loop {
            let busy = self.serving.busy.listen();
            if self.serving() == 0 {
                busy.await;
                look = self.next_look(self.now());
            }
            self.pause_until(look).await;
            look = self.look_for_overdue();
        }
    }

    fn next_look(&self, oldest: Instant) -> Instant {
        oldest + self.config.request_wait.max(SHORTEST)
    }

    /// Refuses the requests that are overdue now. Returns when to check again.
    fn look_for_overdue(&self) -> Instant {
        let now = self.now();
        let mut oldest = now;
        let Some(by) = now.checked_sub(self.config.request_wait) else {
            return self.next_look(now);
        };
        for mailbox in self.mailboxes(BindingKind::Queue) {
            let (overdue, next) = mailbox.take_requests(self, by);
            oldest = next.map_or(oldest, |next| oldest.min(next));
            for arrival in overdue {
                let refusal =
                    arrival.replier.as_ref().map(|replier| replier.refusal(ReasonCode::Overloaded));
                if let Some((asker, failure)) = refusal.flatten() {
                    self.hand_on(asker, failure, Target::Group);
                }
            }
        }
        self.notify_drain();
        self.next_look(oldest)
    }
}
