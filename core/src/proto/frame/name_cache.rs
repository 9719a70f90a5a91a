//! A cache of what recurs in the headers of packets.

use std::sync::Arc;

use super::{
    ContentType, Head,
    wire::{number, tag},
};
use crate::ServiceName;

/// The names in the last packets of a subscription, and the head of its last message. A name that
/// recurs is not checked and allocated again, and a header that differs from the last one in its
/// number alone is not decoded again.
#[derive(Debug, Default)]
pub struct NameCache {
    services: Recent<ServiceName>,
    content_types: Recent<ContentType>,
    /// The last head, if it has a number and is no request.
    head: Option<Arc<Head>>,
    /// Its header, up to the number, which ends it.
    header: Vec<u8>,
}

/// A few values; a new one replaces the oldest.
#[derive(Debug)]
struct Recent<T> {
    values: Vec<T>,
    oldest: usize,
}

impl<T> Default for Recent<T> {
    fn default() -> Self {
        Self { values: Vec::new(), oldest: 0 }
    }
}

impl<T: Clone> Recent<T> {
    /// Searching more of them would take longer than it saves.
    const MOST: usize = 8;

    fn get(&mut self, is_it: impl Fn(&T) -> bool, make: impl FnOnce() -> Option<T>) -> Option<T> {
        if let Some(known) = self.values.iter().find(|value| is_it(value)) {
            return Some(known.clone());
        }
        let made = make()?;
        if self.values.len() < Self::MOST {
            self.values.push(made.clone());
        } else {
            self.values[self.oldest] = made.clone();
            self.oldest = (self.oldest + 1) % Self::MOST;
        }
        Some(made)
    }
}

impl NameCache {
    /// Creates an empty cache.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    pub(super) fn service(&mut self, name: &[u8]) -> Option<ServiceName> {
        let make = || ServiceName::new(std::str::from_utf8(name).ok()?).ok();
        self.services.get(|known| known.as_str().as_bytes() == name, make)
    }

    pub(super) fn content_type(&mut self, text: &[u8]) -> Option<ContentType> {
        let make = || ContentType::new(std::str::from_utf8(text).ok()?);
        self.content_types.get(|known| known.as_str().as_bytes() == text, make)
    }

    /// Returns the head of a header that differs from the last one in its number alone.
    pub(super) fn head(&mut self, header: &[u8]) -> Option<Arc<Head>> {
        let [tag::SEQUENCE, length, value @ ..] = header.strip_prefix(&*self.header)? else {
            return None;
        };
        let is_last = usize::from(*length) == value.len();
        let sequence = number(value).filter(|_| is_last)?;
        let last = self.head.as_mut()?;
        // If the last message is gone, its head is used again.
        Arc::make_mut(last).sequence = Some(sequence);
        Some(Arc::clone(last))
    }

    /// Notes the last head, and where the number that ends its header begins.
    pub(super) fn note(&mut self, head: &Arc<Head>, header: &[u8], number: Option<usize>) {
        /// What is longer is not kept.
        const MOST: usize = 256;
        self.header.clear();
        let number = number.filter(|number| *number <= MOST && head.request.is_none());
        self.head = number.map(|number| {
            self.header.extend_from_slice(&header[..number]);
            Arc::clone(head)
        });
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::{NameCache, Recent};
    use crate::proto::frame::Frame;

    /// The fields of a message that is no request.
    const SERVICE: &[u8] = b"\x01\x04shop";
    const INSTANCE: &[u8] = b"\x02\x10instance-instanc";
    const HEADER: &[u8] = b"\x0c\x03\x01ab";

    fn message(fields: &[&[u8]]) -> Bytes {
        let header = fields.concat();
        let length = u8::try_from(header.len()).expect("it is short");
        [&[1, 1, 0, length], &*header, b"body"].concat().into()
    }

    #[test]
    fn a_header_that_differs_in_little_is_read_as_if_it_were_the_first() {
        let sender = [SERVICE, INSTANCE].concat();
        let number =
            |value: &[u8]| [&[16, u8::try_from(value.len()).expect("short")], value].concat();
        let packets = [
            message(&[&sender, &number(&[1])]),
            message(&[&sender, &number(&[2])]),
            message(&[&sender, &number(&[0x80, 0x80, 1])]),
            message(&[&sender]),
            message(&[&sender, HEADER, &number(&[3])]),
            message(&[&sender, HEADER, &number(&[4])]),
            message(&[&sender, &number(&[5]), HEADER]),
            // Another instance.
            message(&[SERVICE, b"\x02\x10instance-Instanc", &number(&[6])]),
            // A request: FLAGS, MESSAGE, CREDIT.
            message(&[&sender, b"\x0f\x01\x04\x03\x10message-message-\x06\x01\x01", &number(&[7])]),
            // A longer header, whose first bytes are the same.
            message(&[&sender, &number(&[8]), b"\x63\x00"]),
            // A number that is cut, is longer than it says, is no number, or comes twice.
            message(&[&sender, b"\x10"]),
            message(&[&sender, b"\x10\x02\x01"]),
            message(&[&sender, &number(&[0x80])]),
            message(&[&sender, &number(&[1]), &number(&[2])]),
            // A field that has to be understood.
            message(&[&sender, &number(&[9]), b"\xff\x00"]),
        ];
        for first in &packets {
            for second in &packets {
                let mut names = NameCache::new();
                for packet in [first, second, first, second] {
                    let again = Frame::decode_with_names(packet.clone(), &mut names);
                    assert_eq!(again, Frame::decode(packet), "{first:?}, then {second:?}");
                }
            }
        }
    }

    #[test]
    fn a_head_that_is_kept_does_not_change() {
        let mut names = NameCache::new();
        let mut decode = |number| {
            let packet = message(&[SERVICE, INSTANCE, &[16, 1, number]]);
            match Frame::decode_with_names(packet, &mut names).expect("it is valid") {
                Frame::Message { head, .. } => head,
                other => panic!("not a message: {other:?}"),
            }
        };
        let heads: Vec<_> = (0..4).map(&mut decode).collect();
        let numbers: Vec<_> = heads.iter().map(|head| head.sequence).collect();
        assert_eq!(numbers, [Some(0), Some(1), Some(2), Some(3)]);
    }

    #[test]
    fn what_comes_again_is_the_same() {
        let mut known = NameCache::new();
        let first = known.service(b"shop").expect("a name");
        let again = known.service(b"shop").expect("a name");
        assert!(std::ptr::eq(first.as_str(), again.as_str()));
        assert!(known.service(b"no name").is_none());
    }

    #[test]
    fn few_are_kept() {
        let mut recent = Recent::default();
        for value in 0..100 {
            assert_eq!(recent.get(|known| *known == value, || Some(value)), Some(value));
        }
        assert_eq!(recent.values.len(), Recent::<i32>::MOST);
        assert_eq!(recent.get(|known| *known == 99, || None), Some(99));
        assert_eq!(recent.get(|known| *known == 0, || None), None);
    }
}
