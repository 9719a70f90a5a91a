//! Handles frames from the senders of bodies.

use std::sync::Arc;

use super::{InboundStream, Port, Streams};
use crate::{
    lock::lock,
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
        let (id, port) = match &frame {
            Frame::Confirm { message, port, .. } => {
                (StreamId { message: *message, reply: false }, Some(*port))
            }
            Frame::Data { stream, .. } | Frame::End { stream, .. } | Frame::Ping { stream } => {
                (*stream, None)
            }
            Frame::Reset { stream, port, .. } => (*stream, *port),
            _ => return,
        };
        let wants_answer = !matches!(frame, Frame::Data { .. } | Frame::Reset { .. });
        let mut streams = self.inbound(id);
        streams.retain(|stream| port.is_none_or(|port| port == stream.port()));
        let frames = std::iter::repeat_n(frame, streams.len());
        for (stream, frame) in streams.iter().zip(frames) {
            stream.with(|machine, budget| machine.handle_frame(now, frame, budget));
        }
        // The sender may not have received the answers of those that have ended.
        match port {
            None if wants_answer => self.repeat_last_words(id),
            Some(port) if wants_answer && streams.is_empty() => {
                self.repeat_last_word(id, port);
            }
            _ => {}
        }
    }
}
