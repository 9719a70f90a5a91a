//! The chunks taken from the producer that may have to be sent again.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

use crate::proto::{
    checksum,
    frame::{Frame, StreamId},
};

/// The packets of a body, from the first byte that a receiver may still lack.
#[derive(Debug)]
pub(super) struct Chunks {
    stream: StreamId,
    kept: VecDeque<Chunk>,
    /// Buffers of acknowledged packets, for reuse; at most as much as was kept. Freeing them would unmap
    /// and map their pages each time.
    spare: Vec<BytesMut>,
    /// The total length of the chunks, in bytes.
    held: u64,
    /// Everything before this offset was taken from the producer.
    written: u64,
    checksum: u32,
    /// How many bytes of the body one packet may hold now.
    pub(super) most: u64,
}

#[derive(Debug)]
struct Chunk {
    offset: u64,
    length: usize,
    packet: Bytes,
}

impl Chunk {
    fn end(&self) -> u64 {
        self.offset + self.length as u64
    }

    fn body(&self) -> &[u8] {
        &self.packet[self.packet.len() - self.length..]
    }
}

impl Chunks {
    pub(super) fn new(stream: StreamId) -> Self {
        Self {
            stream,
            kept: VecDeque::new(),
            spare: Vec::new(),
            held: 0,
            written: 0,
            checksum: 0,
            most: u64::MAX,
        }
    }

    pub(super) fn written(&self) -> u64 {
        self.written
    }

    pub(super) fn checksum(&self) -> u32 {
        self.checksum
    }

    pub(super) fn held(&self) -> u64 {
        self.held
    }

    pub(super) fn count(&self) -> usize {
        self.kept.len()
    }

    pub(super) fn push(&mut self, body: &[u8]) {
        let offset = self.written;
        self.checksum = checksum::append(self.checksum, body);
        self.written += body.len() as u64;
        self.held += body.len() as u64;
        // A short chunk does not take the buffer of a long one.
        let spare = self.spare.pop().filter(|spare| spare.capacity() / 2 <= body.len());
        let packet = Frame::data(spare.unwrap_or_default(), self.stream, offset, body);
        self.kept.push_back(Chunk { offset, length: body.len(), packet });
    }

    /// Drops the chunks that end at or before an offset.
    pub(super) fn release(&mut self, offset: u64) {
        while let Some(chunk) = self.kept.front().filter(|chunk| chunk.end() <= offset) {
            self.held -= chunk.length as u64;
            let released = self.kept.pop_front();
            // Fails if the transport, or a receiver in this process, still has the packet.
            if let Some(Ok(mut spare)) = released.map(|chunk| chunk.packet.try_into_mut()) {
                spare.clear();
                self.spare.push(spare);
            }
        }
    }

    pub(super) fn clear(&mut self) {
        self.kept = VecDeque::new();
        self.spare = Vec::new();
        self.held = 0;
    }

    /// Returns a packet with bytes from `from` up to at most `to`, and the offset where it ends. If
    /// `more` may be allowed soon, a packet is not cut to fit what is allowed now.
    pub(super) fn packet(&self, from: u64, to: u64, more: bool) -> Option<(Bytes, u64)> {
        let at = self.kept.partition_point(|chunk| chunk.end() <= from);
        let chunk = self.kept.get(at).filter(|chunk| chunk.offset <= from && from < to)?;
        let whole = chunk.end().min(from.saturating_add(self.most));
        if whole > to && more {
            return None;
        }
        let end = whole.min(to);
        if chunk.offset == from && chunk.end() == end {
            return Some((chunk.packet.clone(), end));
        }
        let within = |offset: u64| usize::try_from(offset - chunk.offset).unwrap_or(usize::MAX);
        let body = &chunk.body()[within(from)..within(end)];
        Some((Frame::data(BytesMut::new(), self.stream, from, body), end))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MessageId;

    fn chunks() -> Chunks {
        let message = MessageId::from_bytes([7; 16]);
        let mut chunks = Chunks::new(StreamId { message, reply: false });
        chunks.push(&[1; 1000]);
        chunks
    }

    #[test]
    fn a_packet_is_cut_only_where_no_more_may_be_allowed_soon() {
        let chunks = chunks();
        assert_eq!(chunks.packet(0, 600, true), None);
        assert_eq!(chunks.packet(0, 600, false).map(|(_, end)| end), Some(600));
        assert_eq!(chunks.packet(0, 1000, true).map(|(_, end)| end), Some(1000));
    }

    #[test]
    fn a_packet_takes_the_memory_of_one_that_nobody_has() {
        let mut chunks = chunks();
        // The header of the first one is shorter, since its offset is.
        chunks.push(&[1; 1000]);
        let memory = chunks.kept[1].packet.as_ptr();
        chunks.release(2000);
        chunks.push(&[2; 1000]);
        assert_eq!(chunks.kept[0].packet.as_ptr(), memory);
        let shared = chunks.kept[0].packet.clone();
        chunks.release(3000);
        chunks.push(&[3; 1000]);
        assert_eq!(shared[shared.len() - 1000..], [2; 1000]);
        assert_eq!(chunks.kept[0].body(), [3; 1000]);
    }
}
