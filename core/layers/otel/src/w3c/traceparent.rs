//! `traceparent`: the trace, the span that has called, and whether it is sampled.

use opentelemetry::trace::{SpanContext, SpanId, TraceFlags, TraceId};

/// Sampled, and (of level 2) that the id of the trace is random. The others are sent as 0.
const KNOWN_FLAGS: u8 = 0b11;
/// The length of version 00, which those that come may exceed.
const LENGTH: usize = 55;

/// Returns the value of the header.
pub(super) fn written(span: &SpanContext) -> String {
    let flags = span.trace_flags().to_u8() & KNOWN_FLAGS;
    // Formatting would take as long as all else that is done for a span that is not sampled.
    let mut text = *b"00-tttttttttttttttttttttttttttttttt-ssssssssssssssss-ff";
    write(&mut text[3..35], &span.trace_id().to_bytes());
    write(&mut text[36..52], &span.span_id().to_bytes());
    write(&mut text[53..], &[flags]);
    String::from_utf8_lossy(&text).into_owned()
}

fn write(digits: &mut [u8], bytes: &[u8]) {
    for (two, byte) in digits.chunks_exact_mut(2).zip(bytes) {
        two.copy_from_slice(&[digit(byte >> 4), digit(byte & 15)]);
    }
}

fn digit(value: u8) -> u8 {
    b"0123456789abcdef"[usize::from(value)]
}

/// Reads the header. `None` if it is not valid.
pub(super) fn read(text: &str) -> Option<(TraceId, SpanId, TraceFlags)> {
    let text = text.trim_matches([' ', '\t']);
    let (known, more) = text.split_at_checked(LENGTH)?;
    let mut parts = known.split('-');
    let mut number = |digits: usize| number(parts.next().filter(|part| part.len() == digits)?);
    let (version, trace, span, flags) = (number(2)?, number(32)?, number(16)?, number(2)?);
    let is_readable = match version {
        0 => more.is_empty(),
        0xff => false,
        _ => more.is_empty() || more.starts_with('-'),
    };
    let (trace, span) = (TraceId::from(trace), SpanId::from(u64::try_from(span).ok()?));
    let flags = u8::try_from(flags).ok()? & KNOWN_FLAGS;
    let is_valid = is_readable && trace != TraceId::INVALID && span != SpanId::INVALID;
    is_valid.then(|| (trace, span, TraceFlags::new(flags)))
}

/// Reads at most 32 digits, which are lowercase.
fn number(text: &str) -> Option<u128> {
    text.bytes().try_fold(0, |number, byte| {
        let digit = match byte {
            b'0'..=b'9' => byte - b'0',
            b'a'..=b'f' => byte - b'a' + 10,
            _ => return None,
        };
        Some(number << 4 | u128::from(digit))
    })
}

#[cfg(test)]
mod tests {
    use opentelemetry::trace::TraceState;

    use super::*;

    const TRACE: &str = "12345678901234567890123456789012";
    const SPAN: &str = "1234567890123456";

    /// What is sent of what is read.
    fn again(text: &str) -> Option<String> {
        let (trace, span, flags) = read(text)?;
        Some(written(&SpanContext::new(trace, span, flags, true, TraceState::NONE)))
    }

    #[test]
    fn valid_ones_are_read() {
        let parent = |flags: &str| format!("00-{TRACE}-{SPAN}-{flags}");
        let cases = [
            (parent("00"), "00"),
            (parent("01"), "01"),
            (parent("02"), "02"),
            (parent("03"), "03"),
            // Unknown flags are not passed on.
            (parent("ff"), "03"),
            (parent("fc"), "00"),
            // White space around it.
            (format!(" {}", parent("01")), "01"),
            (format!("\t{} \t", parent("01")), "01"),
            // Versions that come.
            (format!("01-{TRACE}-{SPAN}-01"), "01"),
            (format!("cc-{TRACE}-{SPAN}-00"), "00"),
            (format!("cc-{TRACE}-{SPAN}-01-what-the-future-will-be-like"), "01"),
            (format!("fe-{TRACE}-{SPAN}-01-"), "01"),
        ];
        for (text, flags) in cases {
            assert_eq!(again(&text), Some(parent(flags)), "of {text:?}");
        }
    }

    #[test]
    fn others_are_not() {
        let cases = [
            String::new(),
            "-".repeat(55),
            format!("ff-{TRACE}-{SPAN}-01"),
            format!("ff-{TRACE}-{SPAN}-01-more"),
            format!("00-{TRACE}-{SPAN}-01-"),
            format!("00-{TRACE}-{SPAN}-01-what-the-future-will-not-be-like"),
            format!("00-{TRACE}-{SPAN}-01."),
            format!("cc-{TRACE}-{SPAN}-01.what-the-future-will-not-be-like"),
            format!("cc-{TRACE}-{SPAN}-011"),
            format!("0-{TRACE}-{SPAN}-01"),
            format!("000-{TRACE}-{SPAN}-01"),
            format!(".0-{TRACE}-{SPAN}-01"),
            format!("0x-{TRACE}-{SPAN}-01"),
            format!("00-{}-{SPAN}-01", "0".repeat(32)),
            format!("00-.{}-{SPAN}-01", &TRACE[1..]),
            format!("00-A{}-{SPAN}-01", &TRACE[1..]),
            format!("00-+{}-{SPAN}-01", &TRACE[1..]),
            format!("00-{TRACE}3-{SPAN}-01"),
            format!("00-{}-{SPAN}-01", &TRACE[1..]),
            format!("00-{TRACE}-{}-01", "0".repeat(16)),
            format!("00-{TRACE}-.{}-01", &SPAN[1..]),
            format!("00-{TRACE}-{SPAN}7-01"),
            format!("00-{TRACE}-{}-01", &SPAN[1..]),
            format!("00-{TRACE}-{SPAN}-.0"),
            format!("00-{TRACE}-{SPAN}-0F"),
            format!("00-{TRACE}-{SPAN}-1"),
            format!("00-{TRACE}-{SPAN}-001"),
            format!("00-{TRACE}-{SPAN}-"),
            format!("00-{TRACE}-{SPAN}"),
            format!("00_{TRACE}-{SPAN}-01"),
            format!("00-{TRACE}-{}é-01", &SPAN[2..]),
            format!("00-{TRACE}-{SPAN}-0é"),
        ];
        for text in cases {
            assert_eq!(again(&text), None, "of {text:?}");
        }
    }
}
