//! The headers of the W3C: Trace Context and Baggage.

mod baggage;
mod traceparent;
mod tracestate;

use std::sync::LazyLock;

use opentelemetry::{
    Context,
    baggage::BaggageExt,
    propagation::{Extractor, Injector, TextMapPropagator, text_map_propagator::FieldIter},
    trace::{SpanContext, TraceContextExt, TraceState},
};

const TRACEPARENT: &str = "traceparent";
const TRACESTATE: &str = "tracestate";
const BAGGAGE: &str = "baggage";

static FIELDS: LazyLock<[String; 3]> =
    LazyLock::new(|| [TRACEPARENT, TRACESTATE, BAGGAGE].map(str::to_owned));

/// The propagator of the W3C: `traceparent` and `tracestate` of [Trace Context], and `baggage` of
/// [Baggage].
///
/// It reads all three. It writes baggage only when asked to, since baggage goes to every service that
/// is called, and to those that these call.
///
/// - Of several `traceparent`, of one that is not valid, or of one with the version `ff`, nothing is
///   read: a new trace begins. A version that is not known is read as far as it is known.
/// - A `tracestate` that is not valid, or has more than 32 members, is left out. The trace goes on.
/// - Of `baggage`, what is not valid is left out, and so is what exceeds 64 members or 8,192 bytes.
///
/// ```
/// use std::collections::HashMap;
///
/// use conduit_otel::W3c;
/// use opentelemetry::{propagation::TextMapPropagator, trace::TraceContextExt};
///
/// let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".to_owned();
/// let headers = HashMap::from([("traceparent".to_owned(), parent)]);
/// let context = W3c::new().extract(&headers);
/// assert!(context.span().span_context().is_sampled());
///
/// let mut sent = HashMap::new();
/// W3c::new().inject_context(&context, &mut sent);
/// assert_eq!(sent, headers);
/// ```
///
/// [Trace Context]: https://www.w3.org/TR/trace-context/
/// [Baggage]: https://www.w3.org/TR/baggage/
#[derive(Debug, Clone, Copy, Default)]
pub struct W3c {
    sends_baggage: bool,
}

impl W3c {
    /// Creates a propagator that sends no baggage.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sends baggage too.
    #[must_use]
    pub fn with_baggage(self) -> Self {
        Self { sends_baggage: true }
    }
}

impl W3c {
    /// Writes the headers of a span, and of the baggage of a context.
    pub(crate) fn write(
        self,
        span: &SpanContext,
        cx: &Context,
        mut set: impl FnMut(&'static str, &str),
    ) {
        if span.is_valid() {
            set(TRACEPARENT, std::str::from_utf8(&traceparent::written(span)).unwrap_or_default());
            let state = span.trace_state().header();
            if !state.is_empty() {
                set(TRACESTATE, &state);
            }
        }
        if self.sends_baggage
            && let Some(baggage) = baggage::written(cx.baggage())
        {
            set(BAGGAGE, &baggage);
        }
    }

    /// Reads headers into a context. Letters of keys may be of either case: a gateway may have passed
    /// them on from HTTP.
    pub(crate) fn read<'a>(
        mut cx: Context,
        all: impl Iterator<Item = (&'a str, &'a str)>,
    ) -> Context {
        let (mut parent, mut parents) = (None, 0);
        let (mut state, mut baggage) = (Vec::new(), Vec::new());
        for (key, value) in all {
            let is = |field: &str| key == field || key.eq_ignore_ascii_case(field);
            if is(TRACEPARENT) {
                (parent, parents) = (Some(value), parents + 1);
            } else if is(TRACESTATE) {
                state.push(value);
            } else if is(BAGGAGE) {
                baggage.push(value);
            }
        }
        // Of two parents, neither is the one.
        if parents == 1
            && let Some((trace, span, flags)) = parent.and_then(traceparent::read)
        {
            let state = if state.is_empty() { TraceState::NONE } else { tracestate::read(&state) };
            cx = cx.with_remote_span_context(SpanContext::new(trace, span, flags, true, state));
        }
        if baggage.is_empty() {
            return cx;
        }
        let baggage = baggage::read(&baggage);
        if baggage.is_empty() { cx } else { cx.with_baggage(baggage) }
    }
}

impl TextMapPropagator for W3c {
    fn inject_context(&self, cx: &Context, injector: &mut dyn Injector) {
        let span = cx.span();
        self.write(span.span_context(), cx, |key, value| injector.set(key, value.to_owned()));
    }

    fn extract_with_context(&self, cx: &Context, extractor: &dyn Extractor) -> Context {
        let all = [TRACEPARENT, TRACESTATE, BAGGAGE].into_iter().flat_map(|key| {
            let values = extractor.get_all(key).unwrap_or_default();
            values.into_iter().map(move |value| (key, value))
        });
        Self::read(cx.clone(), all)
    }

    fn fields(&self) -> FieldIter<'_> {
        FieldIter::new(&FIELDS[..])
    }
}

#[cfg(test)]
mod tests {
    use conduit::Headers;
    use opentelemetry::{KeyValue, baggage::Baggage};

    use super::*;
    use crate::carrier::{Reading, Writing};

    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn headers(all: &[(&str, &str)]) -> Headers {
        let mut headers = Headers::new();
        for (key, value) in all {
            headers.add(*key, *value).expect("it is valid");
        }
        headers
    }

    /// Reads headers, and returns what is sent on.
    fn passed_on(w3c: W3c, all: &[(&str, &str)]) -> Vec<(String, String)> {
        let read = headers(all);
        let cx = w3c.extract_with_context(&Context::new(), &Reading(&read));
        let mut sent = Headers::new();
        w3c.inject_context(&cx, &mut Writing(&mut sent));
        sent.iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
    }

    fn owned(all: &[(&str, &str)]) -> Vec<(String, String)> {
        all.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn what_is_read_is_sent_on() {
        let w3c = W3c::new();
        let state = ("tracestate", "b=2");
        let parent = ("traceparent", PARENT);
        let cases: [(&[_], &[_]); 9] = [
            (&[parent], &[parent]),
            (&[parent, ("tracestate", "a=1"), state], &[parent, ("tracestate", "a=1,b=2")]),
            (
                &[state, ("TraceState", "a=1"), ("TraceParent", PARENT)],
                &[parent, ("tracestate", "b=2,a=1")],
            ),
            (&[parent, ("tracestate", "not valid")], &[parent]),
            (&[parent, ("tracestate", "")], &[parent]),
            (&[parent, parent], &[]),
            (&[state], &[]),
            (&[("traceparent", "not valid"), state], &[]),
            (&[("traceparent", ""), state], &[]),
        ];
        for (read, sent) in cases {
            assert_eq!(passed_on(w3c, read), owned(sent), "of {read:?}");
        }
    }

    #[test]
    fn baggage_is_read_always_and_sent_when_asked_to() {
        let all = [("traceparent", PARENT), ("baggage", "a=1"), ("baggage", "b=2;of=c")];
        let read = headers(&all);
        let cx = W3c::new().extract_with_context(&Context::new(), &Reading(&read));
        assert_eq!(cx.baggage().get("a").map(ToString::to_string), Some("1".to_owned()));
        assert_eq!(passed_on(W3c::new(), &all), owned(&all[..1]));
        let joined = ("baggage", "a=1,b=2;of=c");
        assert_eq!(passed_on(W3c::new().with_baggage(), &all), owned(&[all[0], joined]));
    }

    #[test]
    fn what_a_message_has_no_room_for_is_left_out() {
        let mut sent = headers(&[("own", &"x".repeat(8_000)), ("baggage", "old=1")]);
        let cx = Context::new().with_baggage(Baggage::from([KeyValue::new("a", "y".repeat(300))]));
        W3c::new().with_baggage().inject_context(&cx, &mut Writing(&mut sent));
        assert_eq!((sent.len(), sent.get("baggage")), (1, None));
    }
}
