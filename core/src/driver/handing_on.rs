//! Hands on messages that will not be handled here: publishes them to their group again, or tells
//! their senders.

use std::sync::Arc;

use async_channel::{Receiver, Sender};
use bytes::Bytes;
use event_listener::Event;

use super::{Arrival, Logged, Seen, Shared, routes::Route};
use crate::{
    body::Content,
    error::Causes,
    proto::{ReasonCode, frame::Frame},
    transport::{Address, Target},
};

/// The packets that hand messages on, until the transport accepts them. Their messages were waiting
/// in bindings before, or [stop](Shared::room_to_hand_on) the reading of a subscription being left.
pub(super) struct HandingOn {
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

impl Default for HandingOn {
    fn default() -> Self {
        let (sender, given) = async_channel::unbounded();
        Self { sender, given, gone: Event::new() }
    }
}

impl Shared {
    /// Gives back a message that no handler has. Drops it if it was cancelled, or its deadline has
    /// passed.
    pub(super) fn give_back(&self, route: &Route, arrival: Arrival) {
        if arrival.is_needless(self) {
            return arrival.refuse(self);
        }
        let Arrival { head, replier, content, .. } = arrival;
        let target = route.target;
        match (&content, replier) {
            (Content::Stream(content), replier) => {
                // A failure would end a request that another member may take.
                if let Some(replier) = replier {
                    replier.claim();
                }
                if let Some((sender, stop)) = content.stream.refuse(self) {
                    self.hand_on(sender, stop, target);
                }
            }
            (Content::Whole(_), Some(replier)) => {
                if let Some((asker, failure)) = replier.refusal(ReasonCode::Draining) {
                    self.hand_on(asker, failure, target);
                }
            }
            (Content::Whole(body), None) if target == Target::Group => {
                let packet = Frame::message(head.borrowed(), body);
                self.hand_on(self.address_of(route), packet, target);
            }
            (Content::Whole(_), None) => self.count_aborted(),
        }
    }

    /// Publishes a packet that hands a message on, in the background. The message counts as handed
    /// on when the transport has accepted the packet.
    pub(super) fn hand_on(&self, to: Address, packet: Bytes, target: Target) {
        self.begin_giving_back(1);
        // Fails once this is closed; then nothing more is sent.
        let given = Given { to, packet, target };
        if self.is_closed() || self.handing_on.sender.try_send(given).is_err() {
            self.count_aborted();
            self.end_giving_back(1);
        }
    }

    /// Waits until there is room to hand on more.
    pub(super) async fn room_to_hand_on(&self) {
        loop {
            let gone = self.handing_on.gone.listen();
            if self.handing_on.sender.len() < MOST || self.handing_on.sender.is_closed() {
                return;
            }
            gone.await;
        }
    }

    /// Publishes the packets in order, until the conduit closes and all of them are sent.
    pub(super) async fn run_handing_on(self: Arc<Self>) {
        while let Ok(Given { to, packet, target }) = self.handing_on.given.recv().await {
            match self.transport.publish(&to, &mut Some(packet), None).await {
                Ok(()) if target == Target::Group => self.count_handed_on(),
                Ok(()) => self.count_aborted(),
                Err(error) => {
                    let error = format_args!("{to:?}: {}", Causes(&error));
                    self.log(Logged::NotSent, Seen::error(&error));
                    self.count_aborted();
                }
            }
            self.end_giving_back(1);
            self.handing_on.gone.notify(usize::MAX);
        }
    }

    /// Accepts no more packets.
    pub(super) fn close_handing_on(&self) {
        self.handing_on.sender.close();
        self.handing_on.gone.notify(usize::MAX);
    }
}
