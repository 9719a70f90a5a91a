//! What has been taken from the source and may have to be sent again.

use std::collections::VecDeque;

use bytes::Bytes;

use crate::proto::frame::{Frame, StreamId};

/// The packets of a body, from the first byte that somebody may still lack.
#[derive(Debug)]
pub(super) struct Chunks {
    stream: StreamId,
    kept: VecDeque<Chunk>,
    /// The bytes of all of them.
    held: u64,
    /// Everything before this offset was taken from the source.
    written: u64,
    checksum: u32,
    /// The most that one packet may hold now.
    pub(super) most: u64,
}

#[derive(Debug)]
struct Chunk {
    offset: u64,
    body: Bytes,
    packet: Bytes,
}

impl Chunk {
    fn end(&self) -> u64 {
        self.offset + self.body.len() as u64
    }
}

impl Chunks {
    pub(super) fn new(stream: StreamId) -> Self {
        Self { stream, kept: VecDeque::new(), held: 0, written: 0, checksum: 0, most: u64::MAX }
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
        self.checksum = crc32c::crc32c_append(self.checksum, body);
        self.written += body.len() as u64;
        self.held += body.len() as u64;
        let packet = Frame::data(self.stream, offset, body);
        // The packet is the one copy that is kept.
        let body = packet.slice(packet.len() - body.len()..);
        self.kept.push_back(Chunk { offset, body, packet });
    }

    /// Forgets what ends before an offset.
    pub(super) fn release(&mut self, offset: u64) {
        while let Some(chunk) = self.kept.front().filter(|chunk| chunk.end() <= offset) {
            self.held -= chunk.body.len() as u64;
            self.kept.pop_front();
        }
    }

    pub(super) fn clear(&mut self) {
        self.kept = VecDeque::new();
        self.held = 0;
    }

    /// The packet with the bytes from one offset to another at most, and where it ends. Where `more`
    /// may be allowed soon, a packet is not cut for the sake of what is allowed now.
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
        let body = chunk.body.slice(within(from)..within(end));
        Some((Frame::Data { stream: self.stream, offset: from, body }.encode(), end))
    }
}
