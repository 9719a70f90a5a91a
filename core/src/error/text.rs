//! Prints untrusted texts in one line of bounded length.

use std::{
    any::Any,
    fmt::{self, Write},
};

/// How many bytes of a text are printed; the number of further ones is appended.
pub(super) const MOST: usize = 1024;

/// Prints a text of a peer, a broker or an application. Characters that would move the cursor of a
/// terminal, begin a line, or change the direction of the text are escaped.
pub(crate) struct Printable<'a>(pub(crate) &'a str);

impl fmt::Display for Printable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        while let Some((at, character)) = rest.char_indices().find(|&(_, it)| is_unprintable(it)) {
            f.write_str(&rest[..at])?;
            character.escape_default().fmt(f)?;
            rest = &rest[at + character.len_utf8()..];
        }
        f.write_str(rest)
    }
}

fn is_unprintable(character: char) -> bool {
    let turns = matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let begins_a_line = matches!(character, '\u{2028}' | '\u{2029}');
    character.is_control() || turns || begins_a_line
}

/// Returns the text of a panic.
pub(crate) fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}

/// A text that keeps at most `most` bytes, and counts the rest.
pub(super) struct Bounded {
    text: String,
    most: usize,
    dropped: usize,
}

impl Bounded {
    pub(super) fn new(most: usize) -> Self {
        Self { text: String::new(), most, dropped: 0 }
    }

    /// Returns the kept text, with the number of dropped bytes if there are any.
    pub(super) fn finish(mut self) -> String {
        if self.dropped > 0 {
            // Writing to a string does not fail.
            let _ = write!(self.text, ".. ({} bytes more)", self.dropped);
        }
        self.text
    }
}

impl Write for Bounded {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut end = text.len().min(self.most - self.text.len());
        if self.dropped > 0 {
            end = 0;
        }
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        self.text.push_str(&text[..end]);
        self.dropped += text.len() - end;
        Ok(())
    }
}

/// Prints an untrusted text in one line of slightly more than 1,024 bytes at most. Characters that
/// would move the cursor of a terminal, begin a line, or change the direction of the text are
/// escaped.
///
/// ```
/// use conduit::logging::OneLine;
///
/// assert_eq!(OneLine("red \u{1b}[31m\n").to_string(), r"red \u{1b}[31m\n");
/// assert!(OneLine(&"x".repeat(1 << 20)).to_string().ends_with(".. (1047552 bytes more)"));
/// ```
#[derive(Debug, Clone, Copy)]
pub struct OneLine<'a>(pub &'a str);

impl fmt::Display for OneLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = Bounded::new(MOST);
        write!(line, "{}", Printable(self.0))?;
        f.write_str(&line.finish())
    }
}

/// Removes the values that a format quotes in its error text, as `serde` does: texts in quotation
/// marks, numbers and names in backticks. What the format expected is kept.
pub(super) fn without_values(text: &str) -> String {
    let mut kept = String::with_capacity(text.len().min(256));
    let mut rest = text;
    while let Some(at) = rest.find(['"', '`']) {
        let (before, quoted) = rest.split_at(at);
        kept.push_str(before);
        let mark = if quoted.starts_with('"') { '"' } else { '`' };
        let end = end_of_quotation(quoted, mark);
        let names_what_is_wanted = mark == '`'
            && (kept.contains("expected")
                || kept.ends_with("missing field ")
                || kept.ends_with("duplicate field "));
        if names_what_is_wanted {
            kept.push_str(&quoted[..end]);
        } else {
            kept.extend([mark, '…', mark]);
        }
        rest = &quoted[end..];
    }
    kept.push_str(rest);
    kept
}

/// Returns where a quotation that begins with `mark` ends; the end of the text if it is not closed.
fn end_of_quotation(quoted: &str, mark: char) -> usize {
    let mut escaped = false;
    for (at, character) in quoted.char_indices().skip(1) {
        if character == mark && !escaped {
            return at + mark.len_utf8();
        }
        escaped = mark == '"' && character == '\\' && !escaped;
    }
    quoted.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_escaped() {
        let text = Printable("a\u{1b}[31mb\nc\u{202e}d\u{85}é").to_string();
        assert_eq!(text, "a\\u{1b}[31mb\\nc\\u{202e}d\\u{85}é");
    }

    #[test]
    fn what_is_too_long_is_cut_between_characters_and_counted() {
        let mut bounded = Bounded::new(4);
        for text in ["aé", "é", "b"] {
            bounded.write_str(text).expect("it is a text");
        }
        assert_eq!(bounded.finish(), "aé.. (3 bytes more)");
    }

    #[test]
    fn values_are_left_out_and_what_was_wanted_is_not() {
        let cases = [
            (
                r#"invalid type: string "a\"b", expected u8 at line 1"#,
                r#"invalid type: string "…", expected u8 at line 1"#,
            ),
            (
                "invalid value: integer `300`, expected u8",
                "invalid value: integer `…`, expected u8",
            ),
            ("unknown field `x`, expected `a` or `b`", "unknown field `…`, expected `a` or `b`"),
            ("missing field `id` at line 1", "missing field `id` at line 1"),
            (r#"string "without an end"#, r#"string "…""#),
        ];
        for (text, expected) in cases {
            assert_eq!(without_values(text), expected);
        }
    }
}
