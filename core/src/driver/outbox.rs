//! Packets that nobody waits for: refusals, cancellations, failures.

use std::sync::Arc;

use async_channel::{Receiver, Sender};
use bytes::Bytes;

use super::{Logged, Seen, Shared};
use crate::{
    error::Causes,
    proto::frame::Frame,
    transport::{Address, Token},
};

pub(crate) struct Outbox {
    sender: Sender<Letter>,
    letters: Receiver<Letter>,
}

struct Letter {
    to: Address,
    packet: Bytes,
    notice: Option<Token>,
}

impl Outbox {
    pub(crate) fn new(capacity: usize) -> Self {
        let (sender, letters) = async_channel::bounded(capacity);
        Self { sender, letters }
    }
}

impl Shared {
    /// Sends a packet soon, without waiting. Where too many wait already it is lost: the other side
    /// then learns by a timeout what it would have learnt now.
    pub(crate) fn post(&self, to: Address, frame: &Frame) {
        self.post_packet(to, frame.encode(), None);
    }

    pub(crate) fn post_packet(&self, to: Address, packet: Bytes, notice: Option<Token>) {
        if self.outbox.sender.try_send(Letter { to, packet, notice }).is_err() {
            self.counters.unposted.add(1);
            self.log(Logged::NotPosted, Seen::default());
        }
    }

    /// Publishes what is posted, until the conduit closes and everything posted is out.
    pub(crate) async fn run_outbox(self: Arc<Self>) {
        while let Ok(Letter { to, packet, notice }) = self.outbox.letters.recv().await {
            let undelivered = notice.map(|token| (&self.inbox, token));
            if let Err(error) = self.transport.publish(&to, &mut Some(packet), undelivered).await {
                let error = format_args!("{to:?}: {}", Causes(&error));
                self.log(Logged::NotSent, Seen::error(&error));
            }
        }
    }

    /// Takes no more packets.
    pub(crate) fn close_outbox(&self) {
        self.outbox.sender.close();
    }
}
