//! What may wait in bindings.

use std::time::Duration;

use super::Builder;

impl<R, T, E> Builder<R, T, E> {
    /// Sets how many messages may wait in a binding; 1,024 by default. Further one-way messages are
    /// dropped and counted, requests and streamed bodies refused. The same limit applies to the
    /// waiting answers to one [`request_all`](crate::Client::request_all).
    pub fn max_waiting_messages(mut self, count: usize) -> Self {
        self.config.waiting = count;
        self
    }

    /// Sets how many bytes may wait in a binding; 4 MiB by default. The same limit applies to the
    /// waiting answers to one [`request_all`](crate::Client::request_all). Messages beyond it are
    /// dropped or refused as with [`max_waiting_messages`](Self::max_waiting_messages).
    ///
    /// The whole length of a packet counts. Of a streamed body only the offer counts, with its
    /// headers; the body has a [budget](Self::body_budget) of its own. An empty queue accepts one
    /// message of any size.
    pub fn max_waiting_bytes_per_binding(mut self, bytes: u64) -> Self {
        self.config.waiting_bytes_per_binding = bytes;
        self
    }

    /// Sets how many bytes of messages and replies may wait in the whole conduit; 16 MiB by
    /// default. The first 16 KiB of each binding and each request are not counted, and an empty
    /// queue accepts one message of any size. See
    /// [`Stats::waiting_bytes`](crate::Stats::waiting_bytes).
    pub fn max_waiting_bytes(mut self, bytes: u64) -> Self {
        self.config.waiting_bytes = bytes;
        self
    }

    /// Sets how long a request may wait in a queue binding for a handler or a reading loop; 100 ms
    /// by default. After that it goes back to the group. While a request that cannot go back waits
    /// for longer, new requests are refused, and their senders ask the group again. See
    /// [`Binding::concurrency`](crate::Binding::concurrency).
    pub fn max_request_wait(mut self, time: Duration) -> Self {
        self.config.request_wait = time;
        self
    }
}
