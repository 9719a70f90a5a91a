use std::{sync::Arc, task::Waker, time::Instant};

use conduit::transport::Packet;

use crate::{queue::Queue, way::Way};

/// The readers to wake after the broker's lock is released, since a waker may run or drop a task
/// that takes it. The first one, usually the only one, is stored without an allocation.
#[derive(Default)]
pub(crate) struct Wakers {
    first: Option<Waker>,
    rest: Vec<Waker>,
    /// The connections that have written a packet.
    written: Vec<Arc<Way>>,
    /// How many bytes a second connections receive, and the time; else as many as they are sent.
    receiving: Option<(u32, Instant)>,
    /// The packets that connections are still receiving, by their queues.
    arriving: Vec<(Instant, Arc<Queue>)>,
}

impl Wakers {
    /// Creates it for connections that receive so many bytes a second from now on.
    pub(crate) fn receiving(bandwidth: Option<u32>, now: Instant) -> Self {
        Self { receiving: bandwidth.map(|bandwidth| (bandwidth, now)), ..Self::default() }
    }

    /// Adds a packet to a queue.
    pub(crate) fn push(&mut self, queue: &Arc<Queue>, packet: Packet) {
        match self.receiving {
            None => self.add(queue.push(packet)),
            Some((bandwidth, now)) => {
                let at = queue.push_arriving(packet, now, bandwidth);
                self.arriving.push((at, Arc::clone(queue)));
            }
        }
    }

    /// Returns the packets that were pushed and have yet to arrive, by their queues.
    pub(crate) fn take_arriving(&mut self) -> Vec<(Instant, Arc<Queue>)> {
        std::mem::take(&mut self.arriving)
    }

    pub(crate) fn add(&mut self, waker: Option<Waker>) {
        if self.first.is_none() {
            self.first = waker;
        } else {
            self.rest.extend(waker);
        }
    }

    pub(crate) fn add_written(&mut self, way: Option<Arc<Way>>) {
        self.written.extend(way);
    }

    pub(crate) fn wake(self) {
        self.written.iter().for_each(|way| way.notify_written());
        self.first.into_iter().chain(self.rest).for_each(Waker::wake);
    }
}
