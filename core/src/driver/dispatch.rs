//! Hands each frame to the part that it is for.

use bytes::Bytes;

use super::{
    Shared,
    deliver::{Offer, PacketDelivery},
    ground::{EventFields, Logged, Purpose},
    routes::{Listening, Route},
};
use crate::{
    Subject,
    error::Causes,
    proto::{
        ProtocolError,
        frame::{self, Frame, NameCache},
    },
    transport::Token,
};

/// Handles a packet to the inbox or the control address, or each packet of a batch.
pub(super) fn handle_packet(shared: &Shared, packet: Bytes, names: &mut NameCache) {
    let bytes = packet.len();
    match Frame::decode_with_names(packet, names) {
        Ok(Frame::Batch { packets }) => {
            for packet in frame::Members::new(packets) {
                let bytes = packet.as_ref().map_or(0, Bytes::len);
                let frame = packet.and_then(|packet| Frame::decode_with_names(packet, names));
                handle_frame(shared, frame, bytes);
            }
        }
        frame => handle_frame(shared, frame, bytes),
    }
}

fn handle_frame(shared: &Shared, frame: Result<Frame, ProtocolError>, bytes: usize) {
    let frame = match frame {
        Ok(frame) => frame,
        Err(error) => return not_understood(shared, None, &error),
    };
    match frame {
        Frame::Confirm { .. }
        | Frame::Data { .. }
        | Frame::End { .. }
        | Frame::Ping { .. }
        | Frame::Reset { .. } => shared.streams.handle_sender(frame),
        Frame::Accept { .. } | Frame::Credit { .. } | Frame::Stop { .. } => {
            shared.streams.handle_receiver(frame);
        }
        Frame::Reply { .. }
        | Frame::ReplyStream { .. }
        | Frame::Failure { .. }
        | Frame::Alive { .. } => shared.requests.handle_answer(frame, bytes),
        Frame::Cancel { message } => shared.serving.handle_cancel(message),
        Frame::Describe { message, source, time_left, brief } => {
            shared.asked.handle_describe(message, source, time_left, brief);
        }
        Frame::Description { message, source, body } => {
            shared.questions.handle_description(message, source, body, bytes);
        }
        Frame::Message { .. } | Frame::Offer { .. } | Frame::Probe { .. } | Frame::Batch { .. } => {
            shared.counters.invalid.add(1);
        }
    }
}

/// Handles a packet to a subject. Of a batch, only opens it: its packets are the next.
pub(super) fn handle_subject(
    shared: &Shared,
    route: &Route,
    packet: Result<Bytes, ProtocolError>,
    listening: &mut Listening,
) {
    let Listening { batch, names, members, .. } = listening;
    let bytes = packet.as_ref().map_or(0, Bytes::len);
    let frame = packet.and_then(|packet| Frame::decode_with_names(packet, names));
    if let Ok(Frame::Batch { packets }) = frame {
        *batch = frame::Members::new(packets);
        return;
    }
    members.look_up(&shared.routes, route);
    let mut delivery = PacketDelivery::new(shared, route, members, bytes);
    match frame {
        Err(error) => {
            not_understood(shared, Some(&route.subject), &error);
            if let ProtocolError::Unsupported(_, what) = &error {
                delivery.refuse_unsupported(what);
            }
        }
        Ok(Frame::Message { head, body }) => delivery.message(head, body),
        Ok(Frame::Offer { head, message, length, target }) if target == route.target => {
            delivery.offer(&head, Offer { message, length });
        }
        Ok(frame @ Frame::Data { .. }) => shared.streams.handle_sender(frame),
        // The broker's notice answers it, if there is no group.
        Ok(Frame::Probe { .. }) => {}
        Ok(_) => shared.counters.invalid.add(1),
    }
}

/// Handles a notice, which may be forged.
pub(super) fn handle_undelivered(shared: &Shared, token: Token) {
    match shared.purpose(token) {
        Some(Purpose::Ask(targets)) => {
            shared.streams.handle_undelivered(token.message, targets);
            shared.requests.handle_undelivered(token.message, targets);
            shared.questions.handle_undelivered(token.message);
        }
        Some(Purpose::SignOfLife) => shared.serving.handle_absent_asker(token.message),
        Some(Purpose::FindGroup) => {
            shared.group_probes.handle_undelivered(shared.now(), token.message);
        }
        None => shared.counters.invalid.add(1),
    }
}

/// Logs and counts a packet that could not be decoded.
fn not_understood(shared: &Shared, subject: Option<&Subject>, error: &ProtocolError) {
    shared
        .log(Logged::NotUnderstood, EventFields { subject, ..EventFields::error(&Causes(error)) });
    shared.counters.invalid.add(1);
}
