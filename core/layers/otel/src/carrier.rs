//! The headers of a message, as propagators read and write them.

use std::{any::Any, sync::Arc};

use conduit::Headers;
use opentelemetry::{
    Context,
    propagation::{Extractor, Injector, TextMapPropagator},
    trace::{SpanContext, TraceContextExt},
};

use crate::W3c;

/// What reads and writes the headers of traces.
#[derive(Debug, Clone)]
pub(crate) enum Propagator {
    /// The usual one. Reading and writing by the interface of all takes copies.
    W3c(W3c),
    Other(Arc<dyn TextMapPropagator + Send + Sync>),
}

impl Propagator {
    pub(crate) fn new(propagator: impl TextMapPropagator + Send + Sync + 'static) -> Self {
        match (&propagator as &dyn Any).downcast_ref() {
            Some(w3c) => Self::W3c(*w3c),
            None => Self::Other(Arc::new(propagator)),
        }
    }

    pub(crate) fn inject(&self, cx: &Context, headers: &mut Headers) {
        let mut headers = Writing(headers);
        match self {
            Self::W3c(w3c) => {
                w3c.write(cx.span().span_context(), cx, |key, value| headers.write(key, value));
            }
            Self::Other(other) => other.inject_context(cx, &mut headers),
        }
    }

    /// Like [`inject`](Self::inject), for ids that are in no context.
    pub(crate) fn inject_ids(&self, ids: SpanContext, parent: &Context, headers: &mut Headers) {
        let mut headers = Writing(headers);
        match self {
            Self::W3c(w3c) => w3c.write(&ids, parent, |key, value| headers.write(key, value)),
            Self::Other(other) => {
                other.inject_context(&parent.with_remote_span_context(ids), &mut headers);
            }
        }
    }

    pub(crate) fn extract(&self, headers: &Headers) -> Context {
        match self {
            Self::W3c(_) => W3c::read(Context::new(), headers.iter()),
            Self::Other(other) => other.extract_with_context(&Context::new(), &Reading(headers)),
        }
    }
}

/// Reads headers. Letters may be of either case: a gateway may have passed them on from HTTP.
pub(crate) struct Reading<'a>(pub(crate) &'a Headers);

/// Writes headers. What a message has no room for is left out: the trace ends there, the call goes on.
pub(crate) struct Writing<'a>(pub(crate) &'a mut Headers);

impl<'a> Reading<'a> {
    fn all(&self, key: &str) -> impl Iterator<Item = &'a str> {
        let of_key =
            move |(name, value): (&str, &'a str)| name.eq_ignore_ascii_case(key).then_some(value);
        self.0.iter().filter_map(of_key)
    }
}

impl Writing<'_> {
    fn write(&mut self, key: &str, value: &str) {
        // An old value is of another span. Most messages have none.
        if self.0.get(key).is_some() {
            self.0.remove(key);
        }
        let _ = self.0.add(key, value);
    }
}

impl Extractor for Reading<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.all(key).next()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.iter().map(|(key, _)| key).collect()
    }

    fn get_all(&self, key: &str) -> Option<Vec<&str>> {
        let all: Vec<_> = self.all(key).collect();
        (!all.is_empty()).then_some(all)
    }
}

impl Injector for Writing<'_> {
    fn set(&mut self, key: &str, value: String) {
        self.write(key, &value);
    }
}
