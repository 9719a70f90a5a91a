//! Bytes as hexadecimal digits, as the files in `vectors` have them.

use bytes::Bytes;

/// The bytes of a text, which may have spaces between them.
pub(crate) fn bytes(text: &str) -> Bytes {
    let digits: Vec<u8> = text
        .chars()
        .filter(|digit| *digit != ' ')
        .map(|digit| digit.to_digit(16).expect("a digit"))
        .map(|digit| u8::try_from(digit).expect("a digit is small"))
        .collect();
    assert!(digits.len().is_multiple_of(2), "two digits a byte: {text}");
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

/// So many bytes.
pub(crate) fn array<const N: usize>(text: &str) -> [u8; N] {
    let bytes = bytes(text).to_vec();
    bytes.try_into().expect("the text has this length")
}

/// The text of bytes.
pub(crate) fn text(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
