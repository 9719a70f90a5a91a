//! Reads what a server says: RESP3, as far as it is used here.

use bytes::{Buf, Bytes, BytesMut};

/// The longest text or payload. A longer one ends the connection: the server itself ends one that
/// is 32 MiB behind.
const MAX_LEN: usize = 32 << 20;

/// The longest line of a length, a number or an error.
const MAX_LINE: usize = 64 << 10;

/// How many elements a list may have, and how deep lists may be nested.
const MAX_ELEMENTS: usize = 1 << 16;
const MAX_DEPTH: usize = 8;

/// Up to this length a payload is copied, so that a small packet that is kept does not keep all that
/// was read with it.
const COPIED: usize = 4 << 10;

/// What a server says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Reply {
    /// A status or a text.
    Text(Bytes),
    Error(String),
    Number(i64),
    /// No value.
    Nothing,
    /// A list, a set, or a map with keys and values in turn.
    List(Vec<Reply>),
    /// What no command asked for, and what answers the commands about subscriptions.
    Push(Vec<Reply>),
}

/// What is no RESP3, or too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Malformed(&'static str);

impl Malformed {
    pub(crate) const fn new(why: &'static str) -> Self {
        Self(why)
    }
}

impl std::fmt::Display for Malformed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the server does not speak RESP3: {}", self.0)
    }
}

impl std::error::Error for Malformed {}

impl Reply {
    /// Takes one reply from the front of what was read; `None` if there is no whole one.
    pub(crate) fn take(read: &mut BytesMut) -> Result<Option<Self>, Malformed> {
        let Some(length) = end(read, 0, 0)? else {
            return Ok(None);
        };
        let mut whole = read.split_to(length).freeze();
        build(&mut whole).map(Some)
    }

    pub(crate) fn text(&self) -> Option<&[u8]> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The text that a map has for a key.
    pub(crate) fn value(&self, key: &[u8]) -> Option<&[u8]> {
        let Self::List(list) = self else { return None };
        let pair = list.chunks_exact(2).find(|pair| pair[0].text() == Some(key))?;
        pair[1].text()
    }
}

/// Where the reply ends that begins at a place.
fn end(read: &[u8], at: usize, depth: usize) -> Result<Option<usize>, Malformed> {
    if depth > MAX_DEPTH {
        return Err(Malformed("lists are nested too deep"));
    }
    let Some((kind, line, mut at)) = line(read, at)? else {
        return Ok(None);
    };
    match kind {
        b'+' | b'-' | b':' | b'_' | b'#' | b',' | b'(' => Ok(Some(at)),
        b'$' | b'=' | b'!' => match length(line)? {
            None => Ok(Some(at)),
            Some(length) if length > MAX_LEN => Err(Malformed("a text is too long")),
            Some(length) => {
                let end = at + length + 2;
                Ok((read.len() >= end).then_some(end))
            }
        },
        b'*' | b'~' | b'>' | b'%' | b'|' => {
            for _ in 0..elements(kind, line)? {
                match end(read, at, depth + 1)? {
                    Some(next) => at = next,
                    None => return Ok(None),
                }
            }
            Ok(Some(at))
        }
        _ => Err(Malformed("a reply is of an unknown type")),
    }
}

/// The type, the rest of the line, and where the next one begins.
type Line<'a> = (u8, &'a [u8], usize);

fn line(read: &[u8], at: usize) -> Result<Option<Line<'_>>, Malformed> {
    let rest = &read[at..];
    let searched = &rest[..rest.len().min(MAX_LINE)];
    match searched.windows(2).position(|two| two == b"\r\n") {
        Some(0) => Err(Malformed("a reply has no type")),
        Some(length) => Ok(Some((rest[0], &rest[1..length], at + length + 2))),
        None if rest.len() >= MAX_LINE => Err(Malformed("a line is too long")),
        None => Ok(None),
    }
}

fn number(line: &[u8]) -> Result<i64, Malformed> {
    let text = std::str::from_utf8(line).ok();
    text.and_then(|text| text.parse().ok()).ok_or(Malformed("a number is none"))
}

/// A length; the old form of no value is -1.
fn length(line: &[u8]) -> Result<Option<usize>, Malformed> {
    match number(line)? {
        -1 => Ok(None),
        length => usize::try_from(length).map(Some).map_err(|_| Malformed("a length is negative")),
    }
}

fn elements(kind: u8, line: &[u8]) -> Result<usize, Malformed> {
    let elements = length(line)?.unwrap_or(0);
    if elements > MAX_ELEMENTS {
        return Err(Malformed("a list is too long"));
    }
    Ok(if matches!(kind, b'%' | b'|') { elements * 2 } else { elements })
}

/// Takes apart a reply that is whole.
fn build(read: &mut Bytes) -> Result<Reply, Malformed> {
    let Some((kind, line, next)) = line(read, 0)? else {
        return Err(Malformed("a reply is cut off"));
    };
    let reply = match kind {
        b'-' => Reply::Error(String::from_utf8_lossy(line).into_owned()),
        b':' => Reply::Number(number(line)?),
        b'_' => Reply::Nothing,
        b'+' | b'#' | b',' | b'(' => Reply::Text(read.slice(1..next - 2)),
        b'$' | b'=' | b'!' => {
            let length = length(line)?;
            read.advance(next);
            return Ok(match length {
                None => Reply::Nothing,
                Some(length) => {
                    let text = kept(read, length);
                    read.advance(length + 2);
                    match kind {
                        b'!' => Reply::Error(String::from_utf8_lossy(&text).into_owned()),
                        _ => Reply::Text(text),
                    }
                }
            });
        }
        _ => {
            let elements = elements(kind, line)?;
            read.advance(next);
            let mut list = Vec::with_capacity(elements.min(64));
            for _ in 0..elements {
                list.push(build(read)?);
            }
            return match kind {
                b'>' => Ok(Reply::Push(list)),
                // Attributes stand before the reply that they are about, and nothing here asks for any.
                b'|' => build(read),
                _ => Ok(Reply::List(list)),
            };
        }
    };
    read.advance(next);
    Ok(reply)
}

fn kept(read: &Bytes, length: usize) -> Bytes {
    match length {
        0..COPIED => Bytes::copy_from_slice(&read[..length]),
        _ => read.slice(..length),
    }
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;

    use super::{MAX_DEPTH, Malformed, Reply};

    fn text(text: &str) -> Reply {
        Reply::Text(text.to_owned().into())
    }

    /// All replies, however the bytes are cut.
    fn replies(bytes: &[u8]) -> Result<Vec<Reply>, Malformed> {
        let whole = all(&mut BytesMut::from(bytes))?;
        let (mut read, mut cut) = (BytesMut::new(), Vec::new());
        for byte in bytes {
            read.extend_from_slice(&[*byte]);
            cut.extend(all(&mut read)?);
        }
        assert_eq!(whole, cut);
        Ok(whole)
    }

    fn all(read: &mut BytesMut) -> Result<Vec<Reply>, Malformed> {
        let mut replies = Vec::new();
        while let Some(reply) = Reply::take(read)? {
            replies.push(reply);
        }
        Ok(replies)
    }

    #[test]
    fn each_type_is_read() {
        let read = replies(
            b"+OK\r\n-NOPERM no\r\n:12\r\n$5\r\na\r\nbc\r\n$-1\r\n_\r\n%1\r\n+k\r\n:1\r\n\
              >3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$0\r\n\r\n*0\r\n#t\r\n=5\r\ntxt:a\r\n!3\r\nERR\r\n",
        );
        let push = Reply::Push(vec![text("message"), text("c"), text("")]);
        let map = Reply::List(vec![text("k"), Reply::Number(1)]);
        let wanted = vec![
            text("OK"),
            Reply::Error("NOPERM no".into()),
            Reply::Number(12),
            text("a\r\nbc"),
            Reply::Nothing,
            Reply::Nothing,
            map,
            push,
            Reply::List(vec![]),
            text("t"),
            text("txt:a"),
            Reply::Error("ERR".into()),
        ];
        assert_eq!(read, Ok(wanted));
    }

    #[test]
    fn what_a_server_never_says_is_refused() {
        let deep = "*1\r\n".repeat(MAX_DEPTH + 2);
        let long = format!("+{}", "x".repeat(70_000));
        let cases: [&[u8]; 8] = [
            b"HTTP/1.1 400 Bad Request\r\n",
            b"\r\n",
            b":a\r\n",
            b"$-2\r\n",
            b"$99999999999\r\n",
            b"*100000\r\n",
            deep.as_bytes(),
            long.as_bytes(),
        ];
        for case in cases {
            assert!(replies(case).is_err(), "{:?}", String::from_utf8_lossy(case));
        }
    }
}
