//! The bytes that the checks send.

use std::sync::LazyLock;

use bytes::{Bytes, BytesMut};

/// A body of any length that costs nothing to make and nothing to compare.
///
/// It repeats after a prime number of bytes, so that a chunk that is lost, repeated or in another's
/// place never looks right; and each seed begins elsewhere, so that neither does another body's.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pattern {
    start: u64,
    length: u64,
}

const PERIOD: usize = 131_071;

/// Two periods, so that one of them is there in one piece wherever it begins.
static TABLE: LazyLock<Bytes> = LazyLock::new(|| {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_be_bytes()[0]
    };
    let period: Vec<u8> = (0..PERIOD).map(|_| random()).collect();
    period.repeat(2).into()
});

impl Pattern {
    pub(crate) fn new(seed: u64, length: u64) -> Self {
        const STRIDE: u64 = 7_919;
        let start = seed * STRIDE % PERIOD as u64;
        Self { start, length }
    }

    /// The first of a length.
    pub(crate) const fn of_length(length: u64) -> Self {
        Self { start: 0, length }
    }

    pub(crate) fn length(self) -> u64 {
        self.length
    }

    /// Bytes from an offset on, at least one and at most `max`; none at the end.
    pub(crate) fn piece(self, at: u64, max: usize) -> Bytes {
        let left = usize::try_from(self.length - at).unwrap_or(usize::MAX);
        let length = left.min(max).min(PERIOD);
        let from = (self.start + at) % PERIOD as u64;
        let from = usize::try_from(from).expect("a remainder is small");
        TABLE.slice(from..from + length)
    }

    /// All of it, in memory.
    pub(crate) fn bytes(self) -> Bytes {
        let mut bytes = BytesMut::new();
        loop {
            let piece = self.piece(bytes.len() as u64, PERIOD);
            if piece.is_empty() {
                return bytes.freeze();
            }
            bytes.extend_from_slice(&piece);
        }
    }

    /// Whether these are its bytes from an offset on.
    pub(crate) fn matches(self, mut at: u64, mut bytes: &[u8]) -> bool {
        if at + bytes.len() as u64 > self.length {
            return false;
        }
        while !bytes.is_empty() {
            let piece = self.piece(at, bytes.len());
            let (first, rest) = bytes.split_at(piece.len());
            if first != piece {
                return false;
            }
            at += piece.len() as u64;
            bytes = rest;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::Pattern;

    #[test]
    fn it_knows_its_own_bytes_and_no_others() {
        let pattern = Pattern::new(3, 300_000);
        let bytes = pattern.bytes();
        assert_eq!(bytes.len(), 300_000);
        assert!(pattern.matches(0, &bytes));
        assert!(pattern.matches(16_384, &bytes[16_384..]));
        assert!(!pattern.matches(16_384, &bytes[..16_384]));
        assert!(!pattern.matches(1, &bytes), "it is one byte too long");
        assert!(!Pattern::new(4, 300_000).matches(0, &bytes));
    }
}
