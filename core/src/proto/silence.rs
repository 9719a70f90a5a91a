//! How long the other side of a body has been silent, and this side.

use std::time::{Duration, Instant};

use super::clock::later;

/// The silence of both sides of a body.
#[derive(Debug)]
pub(super) struct Silence {
    /// When the other side was last heard from.
    pub(super) heard: Instant,
    /// When it was last sent something.
    spoke: Instant,
    /// When it was first sent something after it was last heard from.
    asked: Option<Instant>,
    /// Until when it is not given up: what it says is just late.
    spared: Option<Instant>,
}

impl Silence {
    pub(super) const fn new(now: Instant) -> Self {
        Self { heard: now, spoke: now, asked: None, spared: None }
    }

    /// Notes that the other side was heard from. Returns when it was sent what it has answered now,
    /// if nothing else was on the way to it.
    pub(super) fn hear(&mut self, now: Instant) -> Option<Instant> {
        self.heard = now;
        self.spared = None;
        self.asked.take()
    }

    /// Notes that the other side was sent something.
    pub(super) fn speak(&mut self, now: Instant) {
        self.spoke = now;
        self.asked.get_or_insert(now);
    }

    /// Returns since when the other side could have answered, and has not.
    pub(super) fn asked(&self) -> Instant {
        self.asked.unwrap_or(self.heard)
    }

    /// Returns when to say something, to be silent no longer than for `pause`.
    pub(super) fn speaks_at(&self, pause: Duration) -> Instant {
        later(self.spoke, pause)
    }

    /// Returns when the other side is given up, unless it is spared once more.
    pub(super) fn ends_at(&self, idle: Duration) -> Instant {
        later(self.heard, idle).max(self.spared.unwrap_or(self.heard))
    }

    /// Does not give the other side up before a time.
    pub(super) const fn spare(&mut self, until: Instant) {
        self.spared = Some(until);
    }
}
