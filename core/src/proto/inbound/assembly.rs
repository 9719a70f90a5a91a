//! Reassembles the pieces of a body.

use std::{
    collections::{BTreeMap, VecDeque},
    ops::Range,
};

use bytes::{Bytes, BytesMut};

use crate::proto::checksum;

/// The pieces of a body, which arrive in any order, duplicated or overlapping.
#[derive(Debug)]
pub(super) struct Assembly {
    /// In order, not yet taken.
    ready: VecDeque<Bytes>,
    /// Small pieces in order, after `ready`, merged into one buffer to save memory.
    crumbs: BytesMut,
    /// Pieces out of order, by offset.
    stash: BTreeMap<u64, Bytes>,
    have: u64,
    read: u64,
    /// The running checksum of the bytes taken.
    checksum: u32,
    /// The length, if announced.
    length: Option<u64>,
    /// The checksum of the whole body, once known.
    expected: Option<u32>,
}

/// The pieces contradict each other or the announced length.
#[derive(Debug)]
pub(super) struct Contradiction;

impl Assembly {
    /// Pieces shorter than this are merged by copying.
    const CRUMB: usize = 1024;
    const MAX_CRUMBS: usize = 16 * 1024;
    /// The maximum number of pieces after a gap; further ones are ignored, and sent again.
    const MAX_STASH: usize = 1024;

    pub(super) fn new(length: Option<u64>) -> Self {
        Self {
            ready: VecDeque::new(),
            crumbs: BytesMut::new(),
            stash: BTreeMap::new(),
            have: 0,
            read: 0,
            checksum: 0,
            length,
            expected: None,
        }
    }

    /// Returns the offset before which every byte has arrived.
    pub(super) fn have(&self) -> u64 {
        self.have
    }

    /// Returns the offset before which every byte was taken.
    pub(super) fn read(&self) -> u64 {
        self.read
    }

    /// Returns the length if known, else the maximum.
    pub(super) fn known_length(&self) -> u64 {
        self.length.unwrap_or(u64::MAX)
    }

    /// Returns whether every byte and the checksum have arrived.
    pub(super) fn is_whole(&self) -> bool {
        self.expected.is_some() && self.length == Some(self.have)
    }

    /// Inserts a piece. The sum of offset and length must not overflow.
    pub(super) fn insert(&mut self, offset: u64, piece: Bytes) -> Result<(), Contradiction> {
        if offset + piece.len() as u64 > self.known_length() {
            return Err(Contradiction);
        }
        if offset > self.have {
            self.stash(offset, piece);
            return Ok(());
        }
        self.append(offset, piece);
        while let Some(entry) = self.stash.first_entry() {
            if *entry.key() > self.have {
                break;
            }
            let (offset, piece) = entry.remove_entry();
            self.append(offset, piece);
        }
        Ok(())
    }

    /// Keeps the new parts of a piece after a gap. Kept pieces do not overlap, so that together
    /// they are no longer than the granted credit.
    fn stash(&mut self, offset: u64, piece: Bytes) {
        let end = offset + piece.len() as u64;
        let (mut start, mut stop) = (offset, end);
        if let Some((&before, earlier)) = self.stash.range(..=offset).next_back() {
            start = start.max(before + earlier.len() as u64).min(end);
        }
        while let Some((&next, later)) = self.stash.range(start..stop).next() {
            if next + later.len() as u64 > end {
                stop = next;
            } else {
                self.stash.remove(&next);
            }
        }
        if start < stop && self.stash.len() < Self::MAX_STASH {
            let piece = Self::compact(piece, length(start - offset)..length(stop - offset));
            self.stash.insert(start, piece);
        }
    }

    /// Returns a part of a piece. A short part is copied, so that it does not keep the packet
    /// alive.
    fn compact(piece: Bytes, part: Range<usize>) -> Bytes {
        if part.len() < piece.len() || piece.len() < Self::CRUMB {
            return Bytes::copy_from_slice(&piece[part]);
        }
        piece
    }

    fn append(&mut self, offset: u64, piece: Bytes) {
        let known = length(self.have - offset);
        let fresh = piece.len().saturating_sub(known);
        if fresh == 0 {
            return;
        }
        self.have += fresh as u64;
        if self.crumbs.len() >= Self::MAX_CRUMBS {
            self.sweep();
        }
        if fresh < Self::CRUMB {
            self.crumbs.extend_from_slice(&piece[known..]);
        } else {
            self.sweep();
            let part = known..piece.len();
            self.ready.push_back(Self::compact(piece, part));
        }
    }

    fn sweep(&mut self) {
        if !self.crumbs.is_empty() {
            self.ready.push_back(self.crumbs.split().freeze());
        }
    }

    pub(super) fn end(&mut self, length: u64, checksum: u32) -> Result<(), Contradiction> {
        let stashed = self.stash.last_key_value();
        let beyond = stashed.is_some_and(|(offset, piece)| offset + piece.len() as u64 > length);
        let other_length = self.length.is_some_and(|known| known != length);
        let other_checksum = self.expected.is_some_and(|known| known != checksum);
        if length < self.have || beyond || other_length || other_checksum {
            return Err(Contradiction);
        }
        self.length = Some(length);
        self.expected = Some(checksum);
        Ok(())
    }

    /// Returns whether [`take`](Self::take) has bytes, or the body has ended.
    pub(super) fn is_readable(&self) -> bool {
        self.read < self.have || self.verdict().is_some()
    }

    pub(super) fn take(&mut self) -> Option<Bytes> {
        if self.ready.is_empty() {
            self.sweep();
        }
        let piece = self.ready.pop_front()?;
        self.read += piece.len() as u64;
        self.checksum = checksum::append(self.checksum, &piece);
        Some(piece)
    }

    /// Returns whether the checksum matches, once everything was taken.
    pub(super) fn verdict(&self) -> Option<bool> {
        let expected = self.expected.filter(|_| self.length == Some(self.read))?;
        Some(expected == self.checksum)
    }

    /// Frees the memory.
    pub(super) fn clear(&mut self) {
        self.ready = VecDeque::new();
        self.crumbs = BytesMut::new();
        self.stash = BTreeMap::new();
    }
}

fn length(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    const LENGTH: usize = 6000;

    fn content(range: Range<usize>) -> Bytes {
        range.map(|at| (at % 251).to_le_bytes()[0]).collect()
    }

    fn kept(assembly: &Assembly) -> usize {
        let ready: usize = assembly.ready.iter().map(Bytes::len).sum();
        let stash: usize = assembly.stash.values().map(Bytes::len).sum();
        ready + assembly.crumbs.len() + stash
    }

    proptest! {
        /// Against a naive model: a flag a byte.
        #[test]
        fn pieces_in_any_order(
            pieces in vec((0..LENGTH, prop_oneof![1..30usize, 1..3000usize], any::<bool>()), 0..60)
        ) {
            let mut assembly = Assembly::new(None);
            let mut arrived = [false; LENGTH];
            let mut read = Vec::new();
            for (start, size, take) in pieces {
                let end = LENGTH.min(start + size);
                assembly.insert(start as u64, content(start..end)).expect("no contradiction");
                arrived[start..end].fill(true);
                let have = arrived.iter().position(|arrived| !arrived).unwrap_or(LENGTH);
                prop_assert_eq!(assembly.have(), have as u64);
                if take {
                    read.extend(assembly.take().into_iter().flatten());
                }
                prop_assert_eq!(assembly.read(), read.len() as u64);
                let waiting = arrived.iter().filter(|arrived| **arrived).count() - read.len();
                prop_assert_eq!(kept(&assembly), waiting, "each byte is kept once");
            }
            read.extend(std::iter::from_fn(|| assembly.take()).flatten());
            prop_assert_eq!(&read[..], &content(0..length(assembly.have()))[..]);
        }
    }

    #[test]
    fn a_part_of_a_packet_does_not_keep_the_packet() {
        let packet = content(0..5000);
        let mut assembly = Assembly::new(None);
        assembly.insert(0, packet.slice(..2000)).expect("no contradiction");
        let rest = content(0..5000);
        assembly.insert(0, rest.clone()).expect("no contradiction");
        assert!(rest.is_unique(), "the new part was copied");
        let stashed = content(6000..7000);
        assembly.insert(6000, stashed.clone()).expect("no contradiction");
        assert!(stashed.is_unique(), "a short piece was copied");
    }
}
