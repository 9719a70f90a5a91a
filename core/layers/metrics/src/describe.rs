//! The names of all metrics.

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};

pub(crate) const CLIENT_DURATION: &str = "rpc.client.call.duration";
pub(crate) const SERVER_DURATION: &str = "rpc.server.call.duration";
pub(crate) const SEND_DURATION: &str = "messaging.client.operation.duration";
pub(crate) const PROCESS_DURATION: &str = "messaging.process.duration";
pub(crate) const SENT: &str = "messaging.client.sent.messages";
pub(crate) const CONSUMED: &str = "messaging.client.consumed.messages";
pub(crate) const CLIENT_IN_FLIGHT: &str = "conduit.client.in_flight";
pub(crate) const SERVER_IN_FLIGHT: &str = "conduit.server.in_flight";
pub(crate) const WAIT: &str = "conduit.server.wait.duration";

pub(crate) const LOST: &str = "conduit.messages.lost";
pub(crate) const MISSED: &str = "conduit.messages.missed";
pub(crate) const REFUSED: &str = "conduit.messages.refused";
pub(crate) const UNSENT: &str = "conduit.messages.unsent";
pub(crate) const INVALID: &str = "conduit.packets.invalid";
pub(crate) const STALLED: &str = "conduit.credit.wait.time";
pub(crate) const BODIES_IN: &str = "conduit.bodies.incoming";
pub(crate) const BODIES_OUT: &str = "conduit.bodies.outgoing";
pub(crate) const BYTES_IN: &str = "conduit.bytes.incoming";
pub(crate) const BYTES_OUT: &str = "conduit.bytes.outgoing";
pub(crate) const BYTES_WAITING: &str = "conduit.bytes.waiting";
pub(crate) const PENDING: &str = "conduit.requests.pending";
pub(crate) const OPEN: &str = "conduit.requests.open";

/// Tells the recorder the units and the meaning of those that the layer records.
pub(crate) fn of_layer() {
    let seconds = Unit::Seconds;
    describe_histogram!(CLIENT_DURATION, seconds, "From a request to the last byte of its reply.");
    describe_histogram!(SERVER_DURATION, seconds, "How long the handler of a request runs.");
    describe_histogram!(SEND_DURATION, seconds, "How long a one-way message takes to be sent.");
    describe_histogram!(PROCESS_DURATION, seconds, "How long the handler of a message runs.");
    describe_histogram!(WAIT, seconds, "How long a message waits for its handler.");
    describe_counter!(SENT, Unit::Count, "One-way messages that were sent, or failed to be.");
    describe_counter!(CONSUMED, Unit::Count, "One-way messages that handlers were run for.");
    describe_gauge!(CLIENT_IN_FLIGHT, Unit::Count, "Sends and requests that have not ended.");
    describe_gauge!(SERVER_IN_FLIGHT, Unit::Count, "Handlers that run.");
}

/// Tells the recorder the units and the meaning of those of a conduit.
pub(crate) fn of_conduit() {
    let (count, bytes) = (Unit::Count, Unit::Bytes);
    describe_counter!(LOST, count, "Messages lost because a binding was full.");
    describe_counter!(MISSED, count, "Messages to bindings lost in transit.");
    describe_counter!(REFUSED, count, "Messages to bindings that layers have refused.");
    describe_counter!(UNSENT, count, "Messages that could not be handed over later.");
    describe_counter!(INVALID, count, "Packets that could not be understood.");
    let microseconds = Unit::Microseconds;
    describe_counter!(STALLED, microseconds, "How long outgoing bodies have waited for credit.");
    describe_gauge!(BODIES_IN, count, "Incoming bodies.");
    describe_gauge!(BODIES_OUT, count, "Outgoing bodies.");
    describe_gauge!(BYTES_IN, bytes, "Bytes that incoming bodies buffer, or that may be sent.");
    describe_gauge!(BYTES_OUT, bytes, "Bytes that outgoing bodies buffer.");
    describe_gauge!(BYTES_WAITING, bytes, "Bytes of messages and replies that wait to be taken.");
    describe_gauge!(PENDING, count, "Requests sent from here that wait for an answer.");
    describe_gauge!(OPEN, count, "Requests received here that wait or are being handled.");
}
