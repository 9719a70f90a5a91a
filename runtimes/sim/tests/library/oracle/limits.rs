//! What conduits may hold at any moment.

use std::sync::Arc;

use conduit::{Conduit, Worker};
use conduit_json::Json;

use super::Oracle;
use crate::{limits::Limits, plan::TASKS};

/// A conduit, and those of its bindings that have handlers.
#[derive(Clone)]
pub(super) struct Watched {
    conduit: Conduit<Json>,
    workers: Arc<Vec<Worker>>,
}

impl Oracle {
    /// It has to keep within its limits from now on.
    pub(crate) fn watch(&self, conduit: Conduit<Json>, workers: Arc<Vec<Worker>>) {
        self.lock().watched.push(Watched { conduit, workers });
    }

    /// Something has moved: looks at all that are watched.
    pub(crate) fn look(&self) {
        let watched = self.lock().watched.clone();
        for Watched { conduit, workers } in &watched {
            let stats = conduit.stats();
            let limits = &self.limits;
            // The first bytes of a reply are granted with its request, whatever is free.
            let incoming = limits.budget + TASKS as u64 * limits.first_window;
            let outgoing = limits.window * stats.outgoing_bodies as u64;
            let bodies = limits.bodies_at_all() + TASKS;
            if stats.incoming_bytes > incoming
                || stats.outgoing_bytes > outgoing
                || stats.incoming_bodies > bodies
            {
                self.wrong(format!("beyond its limits: {stats:?}, and they are {limits:?}"));
            }
            // Where one waits alone, it may be of any size: it is charged whatever is free.
            let (mut waiting, mut charged) = (0, 0);
            for worker in workers.iter() {
                let (count, bytes) = (worker.waiting(), worker.waiting_bytes());
                self.waits(count, bytes);
                waiting += bytes;
                if count > 1 {
                    charged += bytes.saturating_sub(Limits::UNCHARGED);
                }
            }
            if charged > limits.waiting_bytes_at_all || waiting > stats.waiting_bytes {
                self.wrong(format!("{waiting} bytes wait in handlers, {charged} of them charged: {stats:?}, {limits:?}"));
            }
        }
    }

    /// So many messages wait in a binding, and so many bytes.
    pub(crate) fn waits(&self, count: usize, bytes: u64) {
        let limits = &self.limits;
        if count > limits.waiting || (count > 1 && bytes > limits.waiting_bytes) {
            self.wrong(format!("{count} messages of {bytes} bytes wait in a binding: {limits:?}"));
        }
    }
}
