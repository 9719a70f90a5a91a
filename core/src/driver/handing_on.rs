//! Messages that nobody here will handle: they go back to their group, or their senders are told.

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

/// What is said of messages that are given back. It waits here until the transport takes it; what
/// waits was in bindings before, or [stops](Shared::room_to_hand_on) the reading of a subscription
/// that is left.
pub(super) struct HandingOn {
    // Bounded by what waited in bindings, and by `MOST`.
    sender: Sender<Given>,
    given: Receiver<Given>,
    /// One has gone.
    gone: Event,
}

struct Given {
    to: Address,
    packet: Bytes,
    /// What the message was for. Of plain bindings, no other gets it instead.
    target: Target,
}

/// So many wait before no more is read of what may have to be given back.
const MOST: usize = 1024;

impl Default for HandingOn {
    fn default() -> Self {
        let (sender, given) = async_channel::unbounded();
        Self { sender, given, gone: Event::new() }
    }
}

impl Shared {
    /// Gives back a message that no handler has got. One that was cancelled, or whose time has
    /// passed, is nobody's any more.
    pub(super) fn give_back(&self, route: &Route, arrival: Arrival) {
        if arrival.is_needless(self) {
            return arrival.refuse(self);
        }
        let Arrival { head, replier, content, .. } = arrival;
        let target = route.target;
        match (&content, replier) {
            (Content::Stream(content), replier) => {
                // A failure would end a request that another member may get.
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

    /// Publishes what is said of one message that is given back, soon. It counts as given back when
    /// the transport has taken that.
    pub(super) fn hand_on(&self, to: Address, packet: Bytes, target: Target) {
        self.begin_giving_back(1);
        // Once it is closed, nothing more is sent.
        let given = Given { to, packet, target };
        if self.is_closed() || self.handing_on.sender.try_send(given).is_err() {
            self.count_aborted();
            self.end_giving_back(1);
        }
    }

    /// Waits while too much waits to be handed on.
    pub(super) async fn room_to_hand_on(&self) {
        loop {
            let gone = self.handing_on.gone.listen();
            if self.handing_on.sender.len() < MOST || self.handing_on.sender.is_closed() {
                return;
            }
            gone.await;
        }
    }

    /// Hands on what is given back, in its order, until the conduit closes and all of it is out.
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

    /// Takes no more to hand on.
    pub(super) fn close_handing_on(&self) {
        self.handing_on.sender.close();
        self.handing_on.gone.notify(usize::MAX);
    }
}
