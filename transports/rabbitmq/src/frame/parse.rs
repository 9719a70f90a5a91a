//! Takes frames apart.

use bytes::{Buf, Bytes, BytesMut};

use super::{Fault, Frame, MAX_FRAME, Malformed, Method};

/// Up to this length a payload is copied, so that a small packet that is kept does not keep all that
/// was read with it.
const COPIED: usize = 4 << 10;

const END: u8 = 0xce;

const SHORT: Malformed = Malformed::new("a frame ends too early");

impl Frame {
    /// Takes one frame, with the number of its channel, from the front of what was read; `None` if there
    /// is no whole one.
    pub(crate) fn take(read: &mut BytesMut) -> Result<Option<(u16, Self)>, Malformed> {
        let Some(mut head) = read.get(..7) else {
            return Ok(None);
        };
        let (kind, channel, length) = (head.get_u8(), head.get_u16(), head.get_u32());
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if kind == b'A' || length > MAX_FRAME {
            return Err(Malformed::new("a frame is too long, or none"));
        }
        if read.len() < 8 + length {
            return Ok(None);
        }
        if read[7 + length] != END {
            return Err(Malformed::new("a frame does not end"));
        }
        let frame = if kind == 3 && length <= COPIED {
            let body = Bytes::copy_from_slice(&read[7..7 + length]);
            read.advance(8 + length);
            Self::Body(body)
        } else {
            read.advance(7);
            let mut payload = Payload(read.split_to(length).freeze());
            read.advance(1);
            match kind {
                1 => Self::Method(payload.method()?),
                2 => payload.header()?,
                3 => Self::Body(payload.0),
                8 => Self::Heartbeat,
                _ => return Err(Malformed::new("a frame is of an unknown kind")),
            }
        };
        Ok(Some((channel, frame)))
    }
}

/// The rest of the payload of a frame.
struct Payload(Bytes);

impl Payload {
    fn method(&mut self) -> Result<Method, Malformed> {
        Ok(match (self.u16()?, self.u16()?) {
            (10, 10) => {
                // The version, and what the server says about itself.
                self.bytes(2)?;
                self.long()?;
                Method::Start { mechanisms: self.long()? }
            }
            (10, 30) => {
                Method::Tune { channels: self.u16()?, frame: self.u32()?, heartbeat: self.u16()? }
            }
            (10, 41) => Method::Opened,
            (10, 50) => Method::ConnectionClose(self.fault()?),
            (10, 51) => Method::ConnectionClosed,
            (10, 60) => Method::Blocked(self.text()?),
            (10, 61) => Method::Unblocked,
            (20, 20) => Method::Flow(self.u8()? & 1 == 1),
            (20, 40) => Method::ChannelClose(self.fault()?),
            (20, 41) => Method::ChannelClosed,
            (40, 11) => Method::Declared,
            (50, 11) => {
                self.short()?;
                Method::QueueDeclared { messages: self.u32()?, consumers: self.u32()? }
            }
            (50, 21) => Method::Bound,
            (50, 51) => Method::Unbound,
            (60, 11) => Method::QosSet,
            (60, 21) => Method::Consuming,
            (60, 30) => Method::Cancel,
            (60, 31) => Method::Cancelled,
            (60, 50) => Method::Return,
            (60, 60) => {
                self.short()?;
                Method::Deliver { tag: self.u64()?, redelivered: self.u8()? & 1 == 1 }
            }
            (60, 80) => Method::Ack { tag: self.u64()?, multiple: self.u8()? & 1 == 1 },
            (60, 120) => Method::Nack { tag: self.u64()?, multiple: self.u8()? & 1 == 1 },
            _ => Method::Done,
        })
    }

    /// The header of a content. Of its properties only the correlation id is looked for, which is in
    /// front of most others.
    fn header(&mut self) -> Result<Frame, Malformed> {
        self.bytes(4)?;
        let (size, flags) = (self.u64()?, self.u16()?);
        let has = |bit: u16| flags & (1 << bit) != 0;
        if !has(10) {
            return Ok(Frame::Header { size, correlation: None });
        }
        for _ in [15, 14].into_iter().filter(|bit| has(*bit)) {
            self.short()?;
        }
        if has(13) {
            self.long()?;
        }
        for _ in [12, 11].into_iter().filter(|bit| has(*bit)) {
            self.u8()?;
        }
        let correlation = str::from_utf8(&self.short()?).ok().and_then(|text| text.parse().ok());
        Ok(Frame::Header { size, correlation })
    }

    fn fault(&mut self) -> Result<Fault, Malformed> {
        Ok(Fault { code: self.u16()?, text: self.text()? })
    }

    fn text(&mut self) -> Result<String, Malformed> {
        Ok(String::from_utf8_lossy(&self.short()?).into_owned())
    }

    fn short(&mut self) -> Result<Bytes, Malformed> {
        let length = self.u8()?;
        self.bytes(length.into())
    }

    fn long(&mut self) -> Result<Bytes, Malformed> {
        let length = self.u32()?;
        self.bytes(usize::try_from(length).unwrap_or(usize::MAX))
    }

    fn bytes(&mut self, length: usize) -> Result<Bytes, Malformed> {
        if self.0.len() < length {
            return Err(SHORT);
        }
        Ok(self.0.split_to(length))
    }

    fn u8(&mut self) -> Result<u8, Malformed> {
        self.0.try_get_u8().map_err(|_| SHORT)
    }

    fn u16(&mut self) -> Result<u16, Malformed> {
        self.0.try_get_u16().map_err(|_| SHORT)
    }

    fn u32(&mut self) -> Result<u32, Malformed> {
        self.0.try_get_u32().map_err(|_| SHORT)
    }

    fn u64(&mut self) -> Result<u64, Malformed> {
        self.0.try_get_u64().map_err(|_| SHORT)
    }
}

#[cfg(test)]
mod tests {
    use bytes::{Bytes, BytesMut};

    use super::{Fault, Frame, Method};
    use crate::method::{self, Content};

    fn take(bytes: &[u8]) -> (u16, Frame) {
        let mut read = BytesMut::from(bytes);
        let frame = Frame::take(&mut read).expect("a frame").expect("a whole one");
        assert!(read.is_empty());
        frame
    }

    #[test]
    fn a_frame_is_taken_once_it_is_whole() {
        let mut whole = Vec::new();
        method::fault(&mut whole, 7, (20, 40), 403, "no");
        for length in 0..whole.len() {
            assert_eq!(Frame::take(&mut BytesMut::from(&whole[..length])), Ok(None), "{length}");
        }
        let fault = Fault { code: 403, text: "no".into() };
        assert_eq!(take(&whole), (7, Frame::Method(Method::ChannelClose(fault))));
    }

    #[test]
    fn a_content_is_a_header_and_bodies() {
        let mut out = Vec::new();
        Content { channel: 1, packet: b"0123456789", correlation: Some(42) }.write(&mut out, 4);
        let mut read = BytesMut::from(&out[..]);
        let mut frames = Vec::new();
        while let Some((channel, frame)) = Frame::take(&mut read).expect("frames") {
            assert_eq!(channel, 1);
            frames.push(frame);
        }
        let body = |text: &'static [u8]| Frame::Body(Bytes::from_static(text));
        let header = Frame::Header { size: 10, correlation: Some(42) };
        assert_eq!(frames, [header, body(b"0123"), body(b"4567"), body(b"89")]);
    }

    #[test]
    fn what_a_server_never_sends_is_refused() {
        for bytes in [
            &b"AMQP\0\0\x09\x01"[..],
            b"\x01\0\0\xff\xff\xff\xff",
            b"\x01\0\0\0\0\0\x02\0\x0a\xce",
            b"\x03\0\0\0\0\0\0\0",
            b"\x05\0\0\0\0\0\0\xce",
            b"\x01\0\0\0\0\0\x07\0\x0a\0\x32\x01\x93\x05\xce",
        ] {
            assert!(Frame::take(&mut BytesMut::from(bytes)).is_err(), "{bytes:?}");
        }
    }
}
