//! What waits in a binding, and what became of its messages.

use super::Binding;
use crate::Encoder;

impl<E: Encoder> Binding<E> {
    /// Returns whether the binding has not been unbound.
    #[must_use]
    pub fn is_bound(&self) -> bool {
        self.bound.is_bound()
    }

    /// Returns how many messages were lost because the binding was full: this and the messages
    /// received add up to all that arrived. A plain binding also counts the messages that it
    /// refused, and offers that came too late; a queue binding counts one-way messages only, since
    /// other members receive the rest.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.bound.mailbox.record.lost.get()
    }

    /// Returns how many messages were lost in transit, by the broker or on the connection to it, as
    /// far as later messages show: senders number their messages to a subject. Always 0 for a
    /// [`queue_bind`](crate::Conduit::queue_bind), whose group shares the messages.
    ///
    /// Also counts messages that a sender did not send after all, because of a limit or without a
    /// connection. One message can reveal the loss of at most 1,048,576 others.
    #[must_use]
    pub fn missed(&self) -> u64 {
        self.bound.mailbox.record.missed.get()
    }

    /// Returns how many messages [layers](crate::layer) have refused: one-way messages, and in a
    /// plain binding also requests and streamed bodies, since no other binding receives its copy.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.bound.mailbox.record.refused.get()
    }

    /// Returns how many messages wait in the binding.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.bound.mailbox.waiting()
    }

    /// Returns how many bytes of packets wait in the binding: see
    /// [`max_waiting_bytes_per_binding`](crate::Builder::max_waiting_bytes_per_binding).
    #[must_use]
    pub fn waiting_bytes(&self) -> u64 {
        self.bound.mailbox.waiting_bytes()
    }
}
