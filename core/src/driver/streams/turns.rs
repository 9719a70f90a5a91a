//! Wakes the drivers of bodies that wait until there is room on the way to their receivers.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Instant,
};

use event_listener::Event;

use crate::{
    lock::lock,
    proto::{Paths, frame::StreamId},
};

/// What outgoing bodies have on the way, and their drivers.
pub(super) struct Turns {
    paths: Mutex<Paths>,
    drivers: Mutex<BTreeMap<StreamId, Arc<Event>>>,
}

/// Drivers to wake, once the machine that was called is unlocked.
#[must_use = "drivers that are not woken wait for ever"]
pub(super) struct Woken(Vec<Arc<Event>>);

impl Turns {
    pub(super) fn new(paths: Paths) -> Self {
        Self { paths: Mutex::new(paths), drivers: Mutex::default() }
    }

    /// Registers the driver of a body, until [`remove`](Self::remove).
    pub(super) fn add(&self, stream: StreamId, driver: Arc<Event>) {
        lock(&self.drivers).insert(stream, driver);
    }

    pub(super) fn remove(&self, stream: StreamId) {
        lock(&self.drivers).remove(&stream);
    }

    /// Calls a machine.
    pub(super) fn with<T>(&self, call: impl FnOnce(&mut Paths) -> T) -> (T, Woken) {
        let mut paths = lock(&self.paths);
        let result = call(&mut paths);
        let mut woken = Vec::new();
        while let Some(stream) = paths.poll_woken() {
            woken.extend(lock(&self.drivers).get(&stream).cloned());
        }
        (result, Woken(woken))
    }

    /// Returns when the last path expires, if there is one.
    pub(super) fn last_expiry(&self) -> Option<Instant> {
        lock(&self.paths).last_expiry()
    }

    /// Removes the expired paths.
    pub(super) fn remove_expired(&self, now: Instant) {
        lock(&self.paths).expire(now);
    }
}

impl Woken {
    pub(super) fn wake(self) {
        for driver in self.0 {
            driver.notify(usize::MAX);
        }
    }
}
