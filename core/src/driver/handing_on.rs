//! Hands on messages that will not be handled here: publishes them to their group again, or tells
//! their senders.

use std::sync::Arc;

use async_channel::{Receiver, Sender};
use bytes::Bytes;
use event_listener::Event;

use super::{Arrival, Content, work::Work};
use crate::{
    Subject,
    proto::{
        ReasonCode,
        frame::{Frame, Head},
    },
    transport::{Address, Target},
    until::until,
};

/// The packets that hand messages on, until the transport accepts them. Their messages were waiting
/// in bindings before, or [stop](Self::room) the reading of a subscription being left.
pub(crate) struct HandingOn {
    work: Arc<Work>,
    // Bounded by the limits of the bindings, and by `MOST`.
    sender: Sender<Given>,
    given: Receiver<Given>,
    /// Notified when a packet was sent.
    gone: Event,
}

struct Given {
    to: Address,
    packet: Bytes,
    /// What the message was for. A message for a plain binding goes to no other.
    target: Target,
}

/// How many packets may wait before reading of messages that may have to be given back stops.
const MOST: usize = 1024;

impl HandingOn {
    pub(super) fn new(work: Arc<Work>) -> Self {
        let (sender, given) = async_channel::unbounded();
        Self { work, sender, given, gone: Event::new() }
    }

    /// Gives back a message that no handler has. Drops it if it was cancelled, or its deadline has
    /// passed.
    pub(super) fn give_back(&self, target: Target, arrival: Arrival) {
        if arrival.is_needless(&self.work.ground) {
            return arrival.refuse();
        }
        let Arrival { head, subject, replier, content, .. } = arrival;
        match (&content, replier) {
            (Content::Stream(content), replier) => {
                // A failure would end a request that another member may take.
                if let Some(replier) = replier {
                    replier.claim();
                }
                if let Some((sender, stop)) = content.stream.refuse() {
                    self.hand_on(sender, stop, target);
                }
            }
            (Content::Whole(_), Some(replier)) => {
                if let Some((asker, failure)) = replier.refusal(ReasonCode::Draining) {
                    self.hand_on(asker, failure, target);
                }
            }
            (Content::Whole(body), None) if target == Target::Group => {
                self.send_again(subject, &head, body);
            }
            (Content::Whole(_), None) => self.work.count_aborted(),
        }
    }

    /// Publishes a one-way message to its group again.
    pub(super) fn send_again(&self, subject: Subject, head: &Head, body: &[u8]) {
        let packet = Frame::message(head.borrowed(), body);
        let to = self.work.ground.own_subject(subject, Target::Group);
        self.hand_on(to, packet, Target::Group);
    }

    /// Publishes a packet that hands a message on, in the background. The message counts as handed
    /// on when the transport has accepted the packet.
    pub(super) fn hand_on(&self, to: Address, packet: Bytes, target: Target) {
        self.work.begin_giving_back(1);
        // Fails once this is closed; then nothing more is sent.
        let given = Given { to, packet, target };
        if self.work.ground.is_closed() || self.sender.try_send(given).is_err() {
            self.work.count_aborted();
            self.work.end_giving_back(1);
        }
    }

    /// Waits until there is room to hand on more.
    pub(super) async fn room(&self) {
        let has_room = || self.sender.len() < MOST || self.sender.is_closed();
        until(&self.gone, has_room).await;
    }

    /// Publishes the packets in order, until the conduit closes and all of them are sent.
    pub(super) async fn run(&self) {
        while let Ok(Given { to, packet, target }) = self.given.recv().await {
            match self.work.ground.transport.publish(&to, &mut Some(packet), None).await {
                Ok(()) if target == Target::Group => self.work.count_handed_on(),
                Ok(()) => self.work.count_aborted(),
                Err(error) => {
                    self.work.ground.note_not_sent(&to, &error);
                    self.work.count_aborted();
                }
            }
            self.work.end_giving_back(1);
            self.gone.notify(usize::MAX);
        }
    }

    /// Accepts no more packets.
    pub(super) fn close(&self) {
        self.sender.close();
        self.gone.notify(usize::MAX);
    }
}
