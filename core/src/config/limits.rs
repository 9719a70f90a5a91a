//! The limits of a builder as a value, for configuration files.

mod time;

use std::time::Duration;

use serde::{Deserialize, Serialize};

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
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
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
    #[serde(with = "time")]
    pub request_timeout: Option<Duration>,
    /// See [`send_timeout`](crate::Builder::send_timeout).
    #[serde(with = "time")]
    pub send_timeout: Option<Duration>,
    /// See [`join_window`](crate::Builder::join_window).
    #[serde(with = "time")]
    pub join_window: Option<Duration>,
    /// See [`lag_limit`](crate::Builder::lag_limit).
    #[serde(with = "time")]
    pub lag_limit: Option<Duration>,
    /// See [`idle_limit`](crate::Builder::idle_limit).
    #[serde(with = "time")]
    pub idle_limit: Option<Duration>,
    /// See [`max_waiting_messages`](crate::Builder::max_waiting_messages).
    pub max_waiting_messages: Option<usize>,
    /// See [`max_waiting_bytes_per_binding`](crate::Builder::max_waiting_bytes_per_binding).
    pub max_waiting_bytes_per_binding: Option<u64>,
    /// See [`max_waiting_bytes`](crate::Builder::max_waiting_bytes).
    pub max_waiting_bytes: Option<u64>,
    /// See [`max_request_wait`](crate::Builder::max_request_wait).
    #[serde(with = "time")]
    pub max_request_wait: Option<Duration>,
    /// See [`max_bodies_per_binding`](crate::Builder::max_bodies_per_binding).
    pub max_bodies_per_binding: Option<usize>,
    /// See [`max_bodies`](crate::Builder::max_bodies).
    pub max_bodies: Option<usize>,
    /// See [`close_timeout`](crate::Builder::close_timeout).
    #[serde(with = "time")]
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

    /// Returns all limits of a configuration.
    pub(crate) fn of(config: &Config) -> Self {
        Self {
            chunk_size: Some(config.chunk),
            body_window: Some(config.window),
            first_window: Some(config.first_window),
            body_budget: Some(config.budget(None)),
            max_decode_size: config.max_decode_size,
            no_max_decode_size: config.max_decode_size.is_none(),
            request_timeout: Some(config.request_timeout),
            send_timeout: Some(config.send_timeout),
            join_window: Some(config.join_window),
            lag_limit: Some(config.lag_limit),
            idle_limit: Some(config.idle_limit),
            max_waiting_messages: Some(config.waiting),
            max_waiting_bytes_per_binding: Some(config.waiting_bytes_per_binding),
            max_waiting_bytes: Some(config.waiting_bytes),
            max_request_wait: Some(config.request_wait),
            max_bodies_per_binding: Some(config.bodies_per_binding),
            max_bodies: Some(config.bodies),
            close_timeout: Some(config.close_timeout),
            outbox_size: Some(config.outbox),
            send_buffer: Some(config.send_buffer),
        }
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
        set(&mut self.budget, body_budget.map(Some));
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
