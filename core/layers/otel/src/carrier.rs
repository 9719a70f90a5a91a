//! The headers of a message, as propagators read and write them.

use conduit::Headers;
use opentelemetry::propagation::{Extractor, Injector};

/// Reads headers. Letters may be of either case: a gateway may have passed them on from HTTP.
pub(crate) struct Reading<'a>(pub(crate) &'a Headers);

/// Writes headers. What a message has no room for is left out: the trace ends there, the call goes on.
pub(crate) struct Writing<'a>(pub(crate) &'a mut Headers);

impl Extractor for Reading<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.iter().find_map(|(name, value)| name.eq_ignore_ascii_case(key).then_some(value))
    }

    fn keys(&self) -> Vec<&str> {
        self.0.iter().map(|(key, _)| key).collect()
    }

    fn get_all(&self, key: &str) -> Option<Vec<&str>> {
        let of_key = self.0.iter().filter(|(name, _)| name.eq_ignore_ascii_case(key));
        let all: Vec<_> = of_key.map(|(_, value)| value).collect();
        (!all.is_empty()).then_some(all)
    }
}

impl Injector for Writing<'_> {
    fn set(&mut self, key: &str, value: String) {
        // An old value is of another span. Most messages have none.
        if self.0.get(key).is_some() {
            self.0.remove(key);
        }
        let _ = self.0.add(key, value);
    }
}
