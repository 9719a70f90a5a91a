//! The binding as the queue of offered messages.

use std::sync::OnceLock;

use super::{Mailbox, wake};
use crate::{
    driver::streams::{OfferQueue, Port, Readiness},
    proto::Place,
};

impl OfferQueue for Mailbox {
    fn port(&self) -> Port {
        self.id().0
    }

    fn free(&self) -> (u64, u64) {
        let state = self.lock();
        let queue = state.queue.get();
        (queue.room() as u64, queue.free_bytes())
    }

    fn decided(&self, place: &OnceLock<Place>, readiness: Readiness) {
        let mut state = self.lock();
        let Some(place) = place.get() else { return };
        let given_up = state.queue.change(self.budget(), |queue| match readiness {
            Readiness::Waiting => None,
            Readiness::Ready => {
                queue.confirm(*place);
                None
            }
            Readiness::Never => queue.remove(*place),
        });
        let reader = state.reader.take();
        drop(state);
        wake(reader);
        if let Some(arrival) = given_up {
            self.give_up(arrival);
        }
    }
}
