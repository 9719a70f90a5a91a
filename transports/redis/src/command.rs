//! Writes what is said to a server: RESP arrays of texts.

use std::io::Write;

/// Writes a command to the end of what is to be written.
pub(crate) fn write(out: &mut Vec<u8>, arguments: &[&[u8]]) {
    head(out, arguments.len());
    for argument in arguments {
        text(out, argument);
    }
}

/// A command of its own.
pub(crate) fn of(arguments: &[&[u8]]) -> Vec<u8> {
    let mut out = Vec::new();
    write(&mut out, arguments);
    out
}

/// A command without its last argument, which [`text`] adds.
pub(crate) fn without_the_last(arguments: &[&[u8]]) -> Vec<u8> {
    let mut out = Vec::new();
    head(&mut out, arguments.len() + 1);
    for argument in arguments {
        text(&mut out, argument);
    }
    out
}

pub(crate) fn text(out: &mut Vec<u8>, text: &[u8]) {
    length(out, b'$', text.len());
    out.extend_from_slice(text);
    out.extend_from_slice(b"\r\n");
}

fn head(out: &mut Vec<u8>, arguments: usize) {
    length(out, b'*', arguments);
}

fn length(out: &mut Vec<u8>, kind: u8, length: usize) {
    out.push(kind);
    // Writing to a vector does not fail.
    let _ = write!(out, "{length}\r\n");
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_command_is_an_array_of_texts() {
        let wanted = b"*2\r\n$7\r\nPUBLISH\r\n$2\r\n\r\n\r\n";
        assert_eq!(super::of(&[b"PUBLISH", b"\r\n"]), wanted);
        let mut cut = super::without_the_last(&[b"PUBLISH"]);
        super::text(&mut cut, b"\r\n");
        assert_eq!(cut, wanted);
    }
}
