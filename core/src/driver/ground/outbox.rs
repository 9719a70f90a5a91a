//! Sends notices in the background: refusals, cancellations, failures.

use std::future::poll_fn;

use bytes::Bytes;

use super::{EventFields, Ground, Logged};
use crate::{
    driver::task_queue::PushError,
    error::Causes,
    proto::frame::{Frame, Single},
    transport::{Address, Token, TransportError},
};

/// A notice that waits to be published.
pub(super) struct Notice {
    to: Address,
    packet: Bytes,
    token: Option<Token>,
}

impl Ground {
    /// Sends a packet in the background. If too many are waiting it is dropped, and the peer has to
    /// find out by a timeout.
    pub(crate) fn post(&self, to: Address, frame: &Frame) {
        self.post_packet(to, frame.encode(), None);
    }

    pub(crate) fn post_packet(&self, to: Address, packet: Bytes, token: Option<Token>) {
        let notice = Notice { to, packet, token };
        // A closed outbox means that the conduit is closing: not counted.
        if let Err(PushError::Full) = self.outbox.try_push(notice, self.config.outbox) {
            self.counters.outbox_dropped.add(1);
            self.log(Logged::OutboxFull, EventFields::default());
        }
    }

    /// Publishes notices, until the conduit closes and all of them are sent.
    pub(crate) async fn run_outbox(&self) {
        let next = || poll_fn(|cx| self.outbox.poll_next(cx));
        while let Some(Notice { to, packet, token }) = next().await {
            if let Err(error) = self.send_notice(&to, packet, token).await {
                self.note_not_sent(&to, &error);
            }
        }
    }

    async fn send_notice(
        &self,
        to: &Address,
        packet: Bytes,
        token: Option<Token>,
    ) -> Result<(), TransportError> {
        if token.is_none()
            && let Some(single) = Single::encoded(&packet)
            && let Some(sent) = self.send_to_inbox_now(&self.destinations.get(to), &single)
        {
            return sent;
        }
        let undelivered = token.map(|token| (&self.inbox, token));
        self.transport.publish(to, &mut Some(packet), undelivered).await
    }

    /// Logs that a packet could not be published in the background.
    pub(in crate::driver) fn note_not_sent(&self, to: &Address, error: &TransportError) {
        let error = format_args!("{to:?}: {}", Causes(error));
        self.log(Logged::NotSent, EventFields::error(&error));
    }

    /// Accepts no more packets.
    pub(crate) fn close_outbox(&self) {
        self.outbox.close();
    }

    /// Accepts no more packets, and drops the waiting ones.
    pub(in crate::driver) fn clear_outbox(&self) {
        self.outbox.close();
        drop(self.outbox.take_all());
    }
}
