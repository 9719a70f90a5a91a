//! The limits of a builder as a value, for configuration files.

use std::{fmt, time::Duration};

use serde::{
    Deserialize, Deserializer,
    de::{self, Visitor},
};

use super::Config;
use crate::Error;

/// The limits of a [`Builder`](crate::Builder) as a value, which any format of serde can hold.
///
/// Each field is called as the method of the builder, which documents it, and what is missing keeps
/// its value. Sizes are numbers of bytes. A time is text, a whole number with a unit: `"250ms"`,
/// `"5s"`, `"2m"` or `"1h"`. A field that does not exist is an error.
///
/// ```
/// use std::time::Duration;
///
/// use conduit::{Conduit, Limits};
/// use conduit_json::Json;
/// use conduit_memory::Memory;
/// use conduit_smol::Smol;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let limits: Limits = serde_json::from_str(
///     r#"{ "request_timeout": "5s", "max_decode_size": 1048576, "body_budget": 16777216 }"#,
/// )?;
/// assert_eq!(limits.request_timeout, Some(Duration::from_secs(5)));
///
/// let builder = Conduit::builder("user-service").runtime(Smol).transport(Memory::new());
/// let conduit = builder.encoder(Json).limits(&limits).build()?;
/// # drop(conduit);
///
/// assert!(serde_json::from_str::<Limits>(r#"{ "request_timeuot": "5s" }"#).is_err());
/// let contradiction: Limits = serde_json::from_str(r#"{ "body_window": 1 }"#)?;
/// assert!(contradiction.check().is_err(), "it is less than the first window");
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Limits {
    /// See [`chunk_size`](crate::Builder::chunk_size).
    pub chunk_size: Option<usize>,
    /// See [`body_window`](crate::Builder::body_window).
    pub body_window: Option<u64>,
    /// See [`first_window`](crate::Builder::first_window).
    pub first_window: Option<u64>,
    /// See [`body_budget`](crate::Builder::body_budget).
    pub body_budget: Option<u64>,
    /// See [`max_decode_size`](crate::Builder::max_decode_size).
    pub max_decode_size: Option<usize>,
    /// Whether there is no such limit: see
    /// [`no_max_decode_size`](crate::Builder::no_max_decode_size).
    pub no_max_decode_size: bool,
    /// See [`request_timeout`](crate::Builder::request_timeout).
    #[serde(deserialize_with = "time")]
    pub request_timeout: Option<Duration>,
    /// See [`send_timeout`](crate::Builder::send_timeout).
    #[serde(deserialize_with = "time")]
    pub send_timeout: Option<Duration>,
    /// See [`join_window`](crate::Builder::join_window).
    #[serde(deserialize_with = "time")]
    pub join_window: Option<Duration>,
    /// See [`lag_limit`](crate::Builder::lag_limit).
    #[serde(deserialize_with = "time")]
    pub lag_limit: Option<Duration>,
    /// See [`idle_limit`](crate::Builder::idle_limit).
    #[serde(deserialize_with = "time")]
    pub idle_limit: Option<Duration>,
    /// See [`max_waiting_messages`](crate::Builder::max_waiting_messages).
    pub max_waiting_messages: Option<usize>,
    /// See [`max_waiting_bytes_per_binding`](crate::Builder::max_waiting_bytes_per_binding).
    pub max_waiting_bytes_per_binding: Option<u64>,
    /// See [`max_waiting_bytes`](crate::Builder::max_waiting_bytes).
    pub max_waiting_bytes: Option<u64>,
    /// See [`max_request_wait`](crate::Builder::max_request_wait).
    #[serde(deserialize_with = "time")]
    pub max_request_wait: Option<Duration>,
    /// See [`max_bodies_per_binding`](crate::Builder::max_bodies_per_binding).
    pub max_bodies_per_binding: Option<usize>,
    /// See [`max_bodies`](crate::Builder::max_bodies).
    pub max_bodies: Option<usize>,
    /// See [`close_timeout`](crate::Builder::close_timeout).
    #[serde(deserialize_with = "time")]
    pub close_timeout: Option<Duration>,
    /// See [`outbox_size`](crate::Builder::outbox_size).
    pub outbox_size: Option<usize>,
    /// See [`send_buffer`](crate::Builder::send_buffer).
    pub send_buffer: Option<usize>,
}

impl Limits {
    /// Checks the limits, with the defaults for those that are missing, as
    /// [`build`](crate::Builder::build) does.
    ///
    /// # Errors
    /// `InvalidLimit` if one is out of range, or if two contradict each other.
    pub fn check(&self) -> Result<(), Error> {
        let mut config = Config::default();
        config.apply(self);
        config.check()
    }
}

impl Config {
    /// Replaces the limits that are given.
    pub(crate) fn apply(&mut self, limits: &Limits) {
        // Names each field, so that none is forgotten.
        let &Limits {
            chunk_size,
            body_window,
            first_window,
            body_budget,
            max_decode_size,
            no_max_decode_size,
            request_timeout,
            send_timeout,
            join_window,
            lag_limit,
            idle_limit,
            max_waiting_messages,
            max_waiting_bytes_per_binding,
            max_waiting_bytes,
            max_request_wait,
            max_bodies_per_binding,
            max_bodies,
            close_timeout,
            outbox_size,
            send_buffer,
        } = limits;
        set(&mut self.chunk, chunk_size);
        set(&mut self.window, body_window);
        set(&mut self.first_window, first_window);
        set(&mut self.budget, body_budget);
        set(&mut self.max_decode_size, max_decode_size.map(Some));
        set(&mut self.max_decode_size, no_max_decode_size.then_some(None));
        set(&mut self.request_timeout, request_timeout);
        set(&mut self.send_timeout, send_timeout);
        set(&mut self.join_window, join_window);
        set(&mut self.lag_limit, lag_limit);
        set(&mut self.idle_limit, idle_limit);
        set(&mut self.waiting, max_waiting_messages);
        set(&mut self.waiting_bytes_per_binding, max_waiting_bytes_per_binding);
        set(&mut self.waiting_bytes, max_waiting_bytes);
        set(&mut self.request_wait, max_request_wait);
        set(&mut self.bodies_per_binding, max_bodies_per_binding);
        set(&mut self.bodies, max_bodies);
        set(&mut self.close_timeout, close_timeout);
        set(&mut self.outbox, outbox_size);
        set(&mut self.send_buffer, send_buffer);
    }
}

fn set<T>(limit: &mut T, to: Option<T>) {
    if let Some(to) = to {
        *limit = to;
    }
}

/// Reads a time that is given as text.
fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    struct Optional;

    impl<'de> Visitor<'de> for Optional {
        type Value = Option<Duration>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(r#"a whole number with "ms", "s", "m" or "h""#)
        }

        fn visit_none<E: de::Error>(self) -> Result<Self::Value, E> {
            Ok(None)
        }

        fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
            Ok(None)
        }

        fn visit_some<D: Deserializer<'de>>(self, given: D) -> Result<Self::Value, D::Error> {
            given.deserialize_str(self)
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
            let time =
                parse(text).ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self));
            time.map(Some)
        }
    }

    deserializer.deserialize_option(Optional)
}

fn parse(text: &str) -> Option<Duration> {
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit())?);
    let number: u64 = number.parse().ok()?;
    let seconds = |each: u64| number.checked_mul(each).map(Duration::from_secs);
    match unit.trim_start() {
        "ms" => Some(Duration::from_millis(number)),
        "s" => seconds(1),
        "m" => seconds(60),
        "h" => seconds(60 * 60),
        _ => None,
    }
}
