//! Tags, and encoding and decoding of single fields.

use super::layout::REPEATABLE;
use crate::{Headers, proto::ProtocolError};

pub(super) const PREFIX: usize = 4;
/// The bit of a critical tag: a reader that does not know the tag must not act on the frame.
pub(super) const CRITICAL: u8 = 0x80;

/// The numbers of the fields.
pub(super) mod tag {
    pub(in super::super) const SERVICE: u8 = 1;
    pub(in super::super) const INSTANCE: u8 = 2;
    pub(in super::super) const MESSAGE: u8 = 3;
    pub(in super::super) const PORT: u8 = 4;
    pub(in super::super) const TARGET: u8 = 5;
    pub(in super::super) const CREDIT: u8 = 6;
    pub(in super::super) const OFFSET: u8 = 7;
    pub(in super::super) const LENGTH: u8 = 8;
    pub(in super::super) const CHECKSUM: u8 = 9;
    pub(in super::super) const TIME_LEFT: u8 = 10;
    pub(in super::super) const CONTENT_TYPE: u8 = 11;
    pub(in super::super) const HEADER: u8 = 12;
    pub(in super::super) const CODE: u8 = 13;
    pub(in super::super) const TEXT: u8 = 14;
    pub(in super::super) const FLAGS: u8 = 15;
    pub(in super::super) const SEQUENCE: u8 = 16;
    pub(in super::super) const REQUEST: u8 = 17;
    pub(in super::super) const FAILURE_CODE: u8 = 18;
    pub(in super::super) const NONCE: u8 = 19;
    /// One more than the highest tag.
    pub(in super::super) const COUNT: usize = 20;
}

/// The numbers of the frame types.
pub(super) mod kind {
    pub(in super::super) const MESSAGE: u8 = 1;
    pub(in super::super) const OFFER: u8 = 2;
    pub(in super::super) const ACCEPT: u8 = 3;
    pub(in super::super) const CONFIRM: u8 = 4;
    pub(in super::super) const DATA: u8 = 5;
    pub(in super::super) const END: u8 = 6;
    pub(in super::super) const CREDIT: u8 = 7;
    pub(in super::super) const PING: u8 = 8;
    pub(in super::super) const RESET: u8 = 9;
    pub(in super::super) const STOP: u8 = 10;
    pub(in super::super) const REPLY: u8 = 11;
    pub(in super::super) const REPLY_STREAM: u8 = 12;
    pub(in super::super) const FAILURE: u8 = 13;
    pub(in super::super) const CANCEL: u8 = 14;
    pub(in super::super) const ALIVE: u8 = 15;
    pub(in super::super) const PROBE: u8 = 16;
    pub(in super::super) const BATCH: u8 = 17;
    pub(in super::super) const DESCRIBE: u8 = 18;
    pub(in super::super) const DESCRIPTION: u8 = 19;
}

/// Bits of the flags field.
pub(super) mod flag {
    pub(in super::super) const REPLY: u64 = 1;
    pub(in super::super) const DONE: u64 = 2;
    pub(in super::super) const REQUEST: u64 = 4;
    pub(in super::super) const STARTED: u64 = 8;
    pub(in super::super) const TRANSIENT: u64 = 16;
    pub(in super::super) const BRIEF: u64 = 32;
}

/// Appends a number, seven bits a byte, least significant first (LEB128).
pub(super) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    loop {
        let [low, ..] = value.to_le_bytes();
        value >>= 7;
        if value == 0 {
            return out.push(low);
        }
        out.push(low | 0x80);
    }
}

pub(super) fn varint_len(value: u64) -> usize {
    (64 - (value | 1).leading_zeros() as usize).div_ceil(7)
}

/// Takes a number off the front.
pub(super) fn take_varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        let bits = u64::from(byte & 0x7f);
        if bits << shift >> shift != bits {
            return None;
        }
        value |= bits << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

/// The fields of one header, located but not yet decoded.
pub(super) struct Fields<'a> {
    header: &'a [u8],
    /// A bit for each tag that is present; with the bounds of the values, this is less to clear for
    /// each packet than a slice for each tag.
    there: u32,
    values: [(u16, u16); tag::COUNT],
    /// How many headers there are.
    headers: usize,
    /// The first unknown critical field.
    pub(super) unknown: Option<u8>,
}

impl<'a> Fields<'a> {
    /// Locates the fields of a header of at most [`MAX_HEADER`](super::MAX_HEADER) bytes.
    #[inline(always)]
    pub(super) fn parse(header: &'a [u8]) -> Result<Self, ProtocolError> {
        let total = u16::try_from(header.len()).map_err(|_| ProtocolError::HeaderTooLong)?;
        let values = [(0, 0); tag::COUNT];
        let mut fields = Self { header, there: 0, values, headers: 0, unknown: None };
        let mut at = 0;
        while at < total {
            let tag = header[usize::from(at)];
            let (start, end) = value_behind(header, at).ok_or(ProtocolError::Truncated)?;
            at = end;
            match tag {
                REPEATABLE if fields.headers == Headers::MAX_COUNT => {
                    return Err(ProtocolError::InvalidField(tag));
                }
                REPEATABLE => fields.headers += 1,
                CRITICAL.. => drop(fields.unknown.get_or_insert(tag)),
                0 => {}
                _ => {
                    let Some(value) = fields.values.get_mut(usize::from(tag)) else { continue };
                    *value = (start, end);
                    if fields.there & 1 << tag != 0 {
                        return Err(ProtocolError::RepeatedField(tag));
                    }
                    fields.there |= 1 << tag;
                }
            }
        }
        Ok(fields)
    }

    /// Returns the values of the headers, in order.
    pub(super) fn headers(&self) -> impl Iterator<Item = &'a [u8]> {
        let (header, mut at) = (self.header, 0);
        let all = std::iter::from_fn(move || {
            let tag = *header.get(usize::from(at))?;
            let (start, end) = value_behind(header, at)?;
            at = end;
            Some((tag, &header[usize::from(start)..usize::from(end)]))
        });
        all.filter(|(tag, _)| *tag == REPEATABLE).map(|(_, value)| value).take(self.headers)
    }

    /// Returns where a short field begins, if it is the last.
    pub(super) fn last(&self, tag: u8) -> Option<usize> {
        let (start, end) = self.values[usize::from(tag)];
        let at = usize::from(start.checked_sub(2)?);
        let is_it = self.header[at..usize::from(start)] == [tag, (end - start).to_le_bytes()[0]];
        (is_it && usize::from(end) == self.header.len()).then_some(at)
    }

    /// Decodes an optional field.
    pub(super) fn get<T>(
        &self,
        tag: u8,
        read: impl FnOnce(&'a [u8]) -> Option<T>,
    ) -> Result<Option<T>, ProtocolError> {
        if self.there & 1 << tag == 0 {
            return Ok(None);
        }
        let (start, end) = self.values[usize::from(tag)];
        let value = &self.header[usize::from(start)..usize::from(end)];
        read(value).map(Some).ok_or(ProtocolError::InvalidField(tag))
    }

    /// Decodes a required field.
    pub(super) fn need<T>(
        &self,
        tag: u8,
        read: impl FnOnce(&'a [u8]) -> Option<T>,
    ) -> Result<T, ProtocolError> {
        self.get(tag, read)?.ok_or(ProtocolError::MissingField(tag))
    }
}

/// Returns the bounds of the value after the tag at a position.
fn value_behind(header: &[u8], tag: u16) -> Option<(u16, u16)> {
    let at = tag.checked_add(1)?;
    let (start, length) = match *header.get(usize::from(at))? {
        // Most lengths take one byte.
        length @ ..0x80 => (at.checked_add(1)?, u16::from(length)),
        _ => {
            let mut rest = header.get(usize::from(at)..)?;
            let length = take_varint(&mut rest)?.try_into().ok()?;
            ((header.len() - rest.len()).try_into().ok()?, length)
        }
    };
    let end = start.checked_add(length)?;
    (usize::from(end) <= header.len()).then_some((start, end))
}

/// Decodes a field that is one number.
pub(super) fn number(mut value: &[u8]) -> Option<u64> {
    take_varint(&mut value).filter(|_| value.is_empty())
}

/// Decodes the id of a binding. Zero is the reader of a reply.
pub(super) fn port(value: &[u8]) -> Option<u64> {
    number(value).filter(|port| *port != 0)
}
