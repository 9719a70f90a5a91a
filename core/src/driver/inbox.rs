//! Handles packets to the inbox and the control address.

use std::sync::Arc;

use bytes::Bytes;
use futures_lite::{StreamExt, future};

use super::{Logged, Seen, Shared, ground::Purpose};
use crate::{
    Subject,
    error::Causes,
    proto::{
        ProtocolError,
        frame::{Frame, Known},
    },
    transport::{DynSubscription, Packet, Token},
};

impl Shared {
    /// Handles the packets of a subscription until it ends.
    pub(super) async fn listen_to(self: &Arc<Self>, subscription: &mut dyn DynSubscription) {
        const TURN: u32 = 128;
        let mut turn = 0;
        let mut known = Known::new();
        while let Some(packet) = subscription.next().await {
            match packet {
                Packet::Data(packet) => self.handle_packet(packet, &mut known),
                Packet::Undelivered(token) => self.handle_undelivered(token),
            }
            turn += 1;
            if turn % TURN == 0 {
                future::yield_now().await;
            }
        }
    }

    fn handle_packet(self: &Arc<Self>, packet: Bytes, known: &mut Known) {
        let bytes = packet.len();
        let frame = match Frame::decode_known(packet, known) {
            Ok(frame) => frame,
            Err(error) => return self.not_understood(None, &error),
        };
        match frame {
            Frame::Confirm { .. }
            | Frame::Data { .. }
            | Frame::End { .. }
            | Frame::Ping { .. }
            | Frame::Reset { .. } => self.handle_sender(frame),
            Frame::Accept { .. } | Frame::Credit { .. } | Frame::Stop { .. } => {
                self.handle_receiver(frame);
            }
            Frame::Reply { .. }
            | Frame::ReplyStream { .. }
            | Frame::Failure { .. }
            | Frame::Alive { .. } => self.handle_answer(frame, bytes),
            Frame::Cancel { message } => self.handle_cancel(message),
            Frame::Message { .. } | Frame::Offer { .. } | Frame::Probe { .. } => {
                self.counters.invalid.add(1);
            }
        }
    }

    /// Logs and counts a packet that could not be decoded.
    pub(super) fn not_understood(&self, subject: Option<&Subject>, error: &ProtocolError) {
        self.log(Logged::NotUnderstood, Seen { subject, ..Seen::error(&Causes(error)) });
        self.counters.invalid.add(1);
    }

    /// Handles a notice, which may be forged.
    fn handle_undelivered(&self, token: Token) {
        match self.purpose(token) {
            Some(Purpose::Ask(targets)) => {
                self.handle_undelivered_offer(token.message, targets);
                self.handle_undelivered_request(token.message, targets);
            }
            Some(Purpose::SignOfLife) => self.handle_absent_asker(token.message),
            None => self.counters.invalid.add(1),
        }
    }
}
