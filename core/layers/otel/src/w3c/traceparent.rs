//! `traceparent`: the trace, the span that has called, and whether it is sampled.

use opentelemetry::trace::{SpanContext, SpanId, TraceFlags, TraceId};

/// Sampled, and (of level 2) that the id of the trace is random. The others are sent as 0.
const KNOWN_FLAGS: u8 = 0b11;
/// The length of version 00, which those that come may exceed.
const LENGTH: usize = 55;
/// The digits, which are lowercase, by their values.
const DIGITS: &[u8; 16] = b"0123456789abcdef";
/// The two digits of each byte.
const PAIRS: [[u8; 2]; 256] = {
    let mut pairs = [[0; 2]; 256];
    let mut byte = 0;
    while byte < 256 {
        pairs[byte] = [DIGITS[byte >> 4], DIGITS[byte & 15]];
        byte += 1;
    }
    pairs
};

/// The values of characters: 256 of those that are no digits.
const VALUES: [u16; 256] = {
    let mut values = [256; 256];
    let mut value = 0;
    while value < 16 {
        values[DIGITS[value as usize] as usize] = value;
        value += 1;
    }
    values
};

/// Returns the value of the header, as ASCII text.
pub(super) fn written(span: &SpanContext) -> [u8; LENGTH] {
    let flags = span.trace_flags().to_u8() & KNOWN_FLAGS;
    // Formatting takes as long as all else that is done for a span that is not sampled.
    let mut text = *b"00-tttttttttttttttttttttttttttttttt-ssssssssssssssss-ff";
    write(&mut text[3..35], &span.trace_id().to_bytes());
    write(&mut text[36..52], &span.span_id().to_bytes());
    write(&mut text[53..], &[flags]);
    text
}

fn write(digits: &mut [u8], bytes: &[u8]) {
    for (two, byte) in digits.as_chunks_mut().0.iter_mut().zip(bytes) {
        *two = PAIRS[usize::from(*byte)];
    }
}

/// Reads the header. `None` if it is not valid.
pub(super) fn read(text: &str) -> Option<(TraceId, SpanId, TraceFlags)> {
    // Most have nothing around them.
    let text = if text.len() == LENGTH { text } else { text.trim_matches([' ', '\t']) };
    let text = text.as_bytes();
    let (known, more) = text.split_first_chunk::<LENGTH>()?;
    let are_parted = [2, 35, 52].iter().all(|at| known[*at] == b'-');
    let ([version], [flags]) = (bytes(&known[..2])?, bytes(&known[53..])?);
    let trace = TraceId::from_bytes(bytes(&known[3..35])?);
    let span = SpanId::from_bytes(bytes(&known[36..52])?);
    let is_readable = match version {
        0 => more.is_empty(),
        0xff => false,
        _ => more.is_empty() || more.starts_with(b"-"),
    };
    let is_valid =
        are_parted && is_readable && trace != TraceId::INVALID && span != SpanId::INVALID;
    is_valid.then(|| (trace, span, TraceFlags::new(flags & KNOWN_FLAGS)))
}

/// Reads bytes of two digits each.
fn bytes<const N: usize>(digits: &[u8]) -> Option<[u8; N]> {
    let (mut bytes, mut all) = ([0; N], 0);
    for (byte, [high, low]) in bytes.iter_mut().zip(digits.as_chunks().0) {
        let value = VALUES[usize::from(*high)] << 4 | VALUES[usize::from(*low)];
        [*byte, _] = value.to_le_bytes();
        all |= value;
    }
    (all < 256).then_some(bytes)
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
        let text = written(&SpanContext::new(trace, span, flags, true, TraceState::NONE));
        String::from_utf8(text.to_vec()).ok()
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
