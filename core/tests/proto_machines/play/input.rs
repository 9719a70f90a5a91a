//! Bytes as a source of decisions.

/// Decisions, until the bytes are used up. After that everything is zero.
pub(super) struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn byte(&mut self) -> u8 {
        let Some((&byte, rest)) = self.0.split_first() else {
            return 0;
        };
        self.0 = rest;
        byte
    }

    pub(super) fn below(&mut self, sides: u8) -> u8 {
        self.byte() % sides
    }

    pub(super) fn flag(&mut self) -> bool {
        self.below(2) == 1
    }

    /// Any number, most often one that is small, and sometimes one at the end of what there is.
    pub(super) fn number(&mut self) -> u64 {
        let byte = self.byte();
        let more = u64::from(self.byte());
        match byte {
            0..=0x7f => u64::from(byte) * 16 + more % 16,
            0x80..=0xdf => u64::from(byte - 0x80) << (more % 58),
            _ => u64::MAX - more * more,
        }
    }
}
