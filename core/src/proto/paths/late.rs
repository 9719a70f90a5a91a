//! What is just late, as far as the paths know.

use std::time::{Duration, Instant};

use super::Paths;
use crate::{InstanceId, proto::clock::later};

impl Paths {
    /// Returns whether the time that an answer of an instance takes is known.
    pub(in crate::proto) fn is_measured(&self, instance: InstanceId) -> bool {
        self.paths.get(&instance).is_some_and(|path| path.round_trip.is_some())
    }

    /// Returns until when an answer of an instance may just be late, to something that was sent at
    /// `sent`: round trips take long, or others have arrived there within `time`, and none that was
    /// sent later was answered.
    pub(in crate::proto) fn late_until(
        &self,
        instance: InstanceId,
        sent: Instant,
        time: Duration,
    ) -> Option<Instant> {
        let path = self.paths.get(&instance)?;
        if path.answered.is_some_and(|answered| answered > sent) {
            return None;
        }
        let slow = path.round_trip.map(|round_trip| later(sent, 2 * round_trip));
        slow.max(path.progressed.map(|at| later(at, time)))
    }

    /// Returns until when a body that an instance has not answered since `sent` is not given up: it
    /// was heard from within the time `idle`, and has answered nothing that was sent later. Packets
    /// to one instance arrive in order.
    pub(in crate::proto) fn spared_until(
        &self,
        instance: InstanceId,
        sent: Instant,
        idle: Duration,
    ) -> Option<Instant> {
        let path = self.paths.get(&instance)?;
        let is_behind = path.answered.is_none_or(|answered| answered <= sent);
        path.heard.filter(|_| is_behind).map(|heard| later(heard, idle))
    }
}
