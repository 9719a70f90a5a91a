//! A cache of names that recur in packets.

use super::ContentType;
use crate::ServiceName;

/// The names in the last packets of a subscription. A name that recurs is not checked and allocated
/// again.
#[derive(Debug, Default)]
pub struct NameCache {
    services: Recent<ServiceName>,
    content_types: Recent<ContentType>,
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
}

#[cfg(test)]
mod tests {
    use super::{NameCache, Recent};

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
