//! Handles frames from the senders of bodies.

use std::sync::Arc;

use super::{InboundStream, Port, Streams};
use crate::{
    driver::ground::lock,
    proto::frame::{Frame, StreamId},
};

impl Streams {
    /// Returns the open streams with an id, for all bindings.
    fn inbound(&self, id: StreamId) -> Vec<Arc<InboundStream>> {
        let table = lock(&self.inbound);
        table
            .range((id, Port::MIN)..=(id, Port::MAX))
            .map(|(_, stream)| Arc::clone(stream))
            .collect()
    }

    pub(in crate::driver) fn inbound_at(
        &self,
        id: StreamId,
        port: Port,
    ) -> Option<Arc<InboundStream>> {
        lock(&self.inbound).get(&(id, port)).cloned()
    }

    /// Handles a frame from the sender of a body.
    pub(in crate::driver) fn handle_sender(&self, frame: Frame) {
        let now = self.ground.now();
        match frame {
            Frame::Confirm { message, port, nonce } => {
                let id = StreamId { message, reply: false };
                if let Some(stream) = self.inbound_at(id, port) {
                    stream.with(|machine, budget| {
                        machine.handle_confirm(now, nonce, budget);
                    });
                } else {
                    self.repeat_last_word(id, port);
                }
            }
            Frame::Data { stream, offset, body } => {
                for inbound in self.inbound(stream) {
                    let body = body.clone();
                    inbound.with(|machine, budget| {
                        machine.handle_data(now, offset, body, budget);
                    });
                }
            }
            Frame::End { stream, length, checksum } => {
                for inbound in self.inbound(stream) {
                    inbound.with(|machine, budget| {
                        machine.handle_end(now, length, checksum, budget);
                    });
                }
                self.repeat_last_words(stream);
            }
            Frame::Ping { stream } => {
                for inbound in self.inbound(stream) {
                    inbound.with(|machine, _| machine.handle_ping(now));
                }
                self.repeat_last_words(stream);
            }
            Frame::Reset { stream, port, reason } => {
                for inbound in self.inbound(stream) {
                    if port.is_none_or(|port| port == inbound.port()) {
                        let reason = reason.clone();
                        inbound.with(|machine, budget| {
                            machine.handle_reset(now, reason, budget);
                        });
                    }
                }
            }
            _ => {}
        }
    }
}
