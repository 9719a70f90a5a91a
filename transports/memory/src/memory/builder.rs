use conduit::transport::MIN_PACKET_LEN;

use super::Memory;

/// A builder for a broker with custom limits, from [`Memory::builder`].
///
/// ```
/// use conduit::transport::Transport;
/// use conduit_memory::Memory;
///
/// let memory = Memory::builder().max_packet_len(64 * 1024).subscription_capacity(1_000).build();
/// assert_eq!(memory.max_packet_len(), 64 * 1024);
/// ```
#[derive(Debug, Clone)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct MemoryBuilder {
    pub(super) max_packet_len: usize,
    pub(super) subscription_capacity: usize,
}

impl MemoryBuilder {
    pub(crate) const fn new() -> Self {
        Self { max_packet_len: 1024 * 1024, subscription_capacity: 65_536 }
    }

    /// Sets the maximum length of a packet, in bytes; 1 MiB by default, as with NATS. Values below
    /// [`MIN_PACKET_LEN`] are raised to it.
    pub fn max_packet_len(mut self, bytes: usize) -> Self {
        self.max_packet_len = bytes.max(MIN_PACKET_LEN);
        self
    }

    /// Sets how many packets may wait in one subscription before publishers to it have to wait;
    /// 65,536 by default. 0 is raised to 1.
    pub fn subscription_capacity(mut self, packets: usize) -> Self {
        self.subscription_capacity = packets.max(1);
        self
    }

    /// Creates a broker with these limits, and returns a first connection to it.
    #[must_use]
    pub fn build(self) -> Memory {
        Memory::with_limits(&self)
    }
}
