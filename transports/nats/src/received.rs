use std::sync::atomic::Ordering;

use async_nats::Client;

/// How much a client has received so far.
pub(crate) struct Received {
    messages: u64,
    bytes: u64,
}

impl Received {
    pub(crate) fn by(client: &Client) -> Self {
        let statistics = client.statistics();
        Self {
            messages: statistics.in_messages.load(Ordering::Relaxed),
            bytes: statistics.in_bytes.load(Ordering::Relaxed),
        }
    }

    /// Whether from this moment to a later one a mark has come, and nothing that is as long as an
    /// error.
    pub(crate) fn only_a_mark(&self, later: &Self, mark: &str) -> bool {
        // `MSG <mark> <sid> <mark> 0`, an empty payload. Of the number we don't know the length,
        // and a ping may have come: both are shorter than any error that names a subject.
        const LONGEST_NUMBER: u64 = 20;
        let longest = "MSG    0\r\n\r\n".len() as u64 + 2 * mark.len() as u64 + LONGEST_NUMBER;
        let messages = later.messages.wrapping_sub(self.messages);
        let bytes = later.bytes.wrapping_sub(self.bytes);
        messages == 1 && bytes <= longest
    }
}
