//! Handles frames from the receivers of bodies.

use std::sync::Arc;

use super::{OutboundStream, Streams};
use crate::{
    MessageId,
    lock::lock,
    proto::{
        ReasonCode,
        frame::{Frame, Receiver, StreamId},
    },
    transport::{Address, Targets},
};

impl Streams {
    pub(in crate::driver) fn outbound_at(&self, id: StreamId) -> Option<Arc<OutboundStream>> {
        lock(&self.outbound).get(&id).cloned()
    }

    /// Handles a frame from a receiver of a body.
    pub(in crate::driver) fn handle_receiver(&self, frame: Frame) {
        let now = self.ground.now();
        let (id, receiver) = match &frame {
            Frame::Accept { message, receiver, .. } => {
                (StreamId { message: *message, reply: false }, *receiver)
            }
            Frame::Credit { stream, receiver, .. } | Frame::Stop { stream, receiver, .. } => {
                (*stream, *receiver)
            }
            _ => return,
        };
        let Some(stream) = self.outbound_at(id) else {
            return self.tell_gone(id, receiver, &frame);
        };
        stream.with_paths(|machine, paths| machine.handle_frame(now, frame, paths));
    }

    /// Handles the notice that an offer had no receiver.
    pub(in crate::driver) fn handle_undelivered(&self, message: MessageId, targets: Targets) {
        let id = StreamId { message, reply: false };
        if let Some(stream) = self.outbound_at(id) {
            let now = self.ground.now();
            stream.with(|machine| machine.handle_undelivered(now, targets));
        }
    }

    /// Resets a stream that is finished here, for a receiver that still expects data.
    fn tell_gone(&self, id: StreamId, receiver: Receiver, frame: &Frame) {
        let is_done = matches!(frame, Frame::Credit { receipt, .. } if receipt.done);
        if is_done || matches!(frame, Frame::Stop { .. }) {
            return;
        }
        let service = lock(&self.sent).get(self.ground.now(), &id).cloned();
        if let Some(service) = service {
            let code = match frame {
                Frame::Accept { .. } => ReasonCode::Late,
                _ => ReasonCode::Gone,
            };
            let reset = Frame::Reset { stream: id, port: Some(receiver.port), reason: code.into() };
            self.ground.post(Address::inbox(&service, receiver.instance), &reset);
        }
    }
}
