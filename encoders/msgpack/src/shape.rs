//! Checks the structure of a body before it is decoded.
//!
//! [`rmp_serde`] ignores bytes after a value, and does not count the levels of nested enums, so
//! that a small body could overflow the stack. A walk over the markers detects both, without
//! recursion and without reading payloads.

use rmp_serde::decode::Error;
use serde::de::Error as _;
use std::io::ErrorKind;

use crate::MAX_DEPTH;

/// Checks that the bytes are one complete value that is not nested too deeply.
pub(crate) fn check(bytes: &[u8]) -> Result<(), Error> {
    let mut reader = Reader(bytes);
    // How many values are still to come in each open array or map.
    let mut open = Vec::new();
    loop {
        if let Some(values) = reader.value()? {
            if open.len() == MAX_DEPTH {
                return Err(Error::DepthLimitExceeded);
            }
            open.push(values);
        }
        while open.last() == Some(&0) {
            open.pop();
        }
        match open.last_mut() {
            Some(left) => *left -= 1,
            None if reader.0.is_empty() => return Ok(()),
            None => return Err(Error::custom("bytes after the end of the value")),
        }
    }
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    /// Skips a value, or the head of an array or a map; then returns how many values follow in it.
    fn value(&mut self) -> Result<Option<u64>, Error> {
        let [marker] = self.take()?;
        let payload = match marker {
            // A map holds a key and a value for each entry.
            0x80..=0x8f => return Ok(Some(2 * u64::from(marker & 0x0f))),
            0xde => return Ok(Some(2 * self.u16()?)),
            0xdf => return Ok(Some(2 * self.u32()?)),
            // Arrays
            0x90..=0x9f => return Ok(Some(u64::from(marker & 0x0f))),
            0xdc => return Ok(Some(self.u16()?)),
            0xdd => return Ok(Some(self.u32()?)),
            // Small numbers, nil, false, true
            0x00..=0x7f | 0xe0..=0xff | 0xc0 | 0xc2 | 0xc3 => 0,
            // Numbers of 1, 2, 4 and 8 bytes
            0xcc | 0xd0 => 1,
            0xcd | 0xd1 => 2,
            0xca | 0xce | 0xd2 => 4,
            0xcb | 0xcf | 0xd3 => 8,
            // Text and binary
            0xa0..=0xbf => u64::from(marker & 0x1f),
            0xc4 | 0xd9 => self.u8()?,
            0xc5 | 0xda => self.u16()?,
            0xc6 | 0xdb => self.u32()?,
            // Extensions, with a byte for their type
            0xd4..=0xd8 => 1 + (1 << (marker - 0xd4)),
            0xc7 => 1 + self.u8()?,
            0xc8 => 1 + self.u16()?,
            0xc9 => 1 + self.u32()?,
            0xc1 => return Err(Error::custom("a marker that MessagePack reserves")),
        };
        let payload = usize::try_from(payload).map_err(|_| cut_short())?;
        self.0 = self.0.get(payload..).ok_or_else(cut_short)?;
        Ok(None)
    }

    fn u8(&mut self) -> Result<u64, Error> {
        Ok(u8::from_be_bytes(self.take()?).into())
    }

    fn u16(&mut self) -> Result<u64, Error> {
        Ok(u16::from_be_bytes(self.take()?).into())
    }

    fn u32(&mut self) -> Result<u64, Error> {
        Ok(u32::from_be_bytes(self.take()?).into())
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let (bytes, rest) = self.0.split_first_chunk().ok_or_else(cut_short)?;
        self.0 = rest;
        Ok(*bytes)
    }
}

fn cut_short() -> Error {
    Error::InvalidDataRead(ErrorKind::UnexpectedEof.into())
}
