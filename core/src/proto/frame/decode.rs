use std::time::Duration;

use bytes::{Buf, Bytes};

use super::{
    BodyKind, ContentType, DATA_OVERHEAD, Frame, Layout, MAX_HEADER, NameCache, Nonce, Receipt,
    Receiver, Refusable, StreamId, VERSION,
    wire::{Fields, PREFIX, flag, kind, number, port, tag},
};
use crate::{
    InstanceId, MessageId, Source,
    address::Target,
    proto::{Detail, ProtocolError, Reason, ReasonCode},
};

type Result<T> = std::result::Result<T, ProtocolError>;

impl Frame {
    /// Decodes a packet. The body shares the packet's memory, unless it is a chunk after a header
    /// so long that keeping it would waste memory.
    ///
    /// # Errors
    /// [`ProtocolError`]. No length in the packet is trusted before it is checked, and nothing
    /// larger than the packet's own header is allocated.
    pub fn decode(packet: &Bytes) -> Result<Self> {
        Self::decode_with_names(packet.clone(), &mut NameCache::new())
    }

    /// Like [`decode`](Self::decode), for one packet of many from the same senders.
    ///
    /// # Errors
    /// Those of [`decode`](Self::decode).
    pub fn decode_with_names(mut packet: Bytes, names: &mut NameCache) -> Result<Self> {
        let (&[version, kind, high, low], _) =
            packet.split_first_chunk::<PREFIX>().ok_or(ProtocolError::Truncated)?;
        if version != VERSION {
            return Err(ProtocolError::UnknownVersion(version));
        }
        let layout = Layout::of(kind).ok_or(ProtocolError::UnknownType(kind))?;
        let end = PREFIX + usize::from(u16::from_be_bytes([high, low]));
        if end > PREFIX + MAX_HEADER {
            return Err(ProtocolError::HeaderTooLong);
        }
        if end > packet.len() {
            return Err(ProtocolError::Truncated);
        }
        let header = &packet[PREFIX..end];
        if kind == kind::MESSAGE
            && let Some(head) = names.head(header)
        {
            packet.advance(end);
            return Ok(Self::Message { head, body: packet });
        }
        let fields = Fields::parse(header)?;
        if let Some(tag) = fields.unknown {
            return Err(fields.not_understood(kind, tag, names));
        }
        if kind == kind::MESSAGE {
            // Most packets are messages; returning here saves a move.
            let head = fields.head(names)?;
            names.note(&head, header, fields.last(tag::SEQUENCE));
            packet.advance(end);
            return Ok(Self::Message { head, body: packet });
        }
        let length = packet.len() - end;
        layout.body.check(length)?;
        let mut frame = fields.frame(kind, length, names)?;
        if let Some(body) = frame.body_mut() {
            // Chunks wait for their reader: one byte must not keep kilobytes of skipped fields
            // alive.
            if layout.body == BodyKind::Chunk && end > DATA_OVERHEAD {
                *body = Bytes::copy_from_slice(&packet[end..]);
            } else {
                packet.advance(end);
                *body = packet;
            }
        }
        Ok(frame)
    }

    fn body_mut(&mut self) -> Option<&mut Bytes> {
        match self {
            Self::Data { body, .. } | Self::Reply { body, .. } => Some(body),
            Self::Failure { detail, .. } => Some(&mut detail.value),
            Self::Batch { packets } => Some(packets),
            Self::Description { body, .. } => Some(body),
            _ => None,
        }
    }
}

impl Fields<'_> {
    /// Decodes the frame, except for its body of `length` bytes.
    fn frame(&self, kind: u8, length: usize, names: &mut NameCache) -> Result<Frame> {
        let body = Bytes::new();
        Ok(match kind {
            kind::OFFER => Frame::Offer {
                head: self.head(names)?,
                message: self.message()?,
                target: self.target()?,
                length: self.get(tag::LENGTH, number)?,
            },
            kind::ACCEPT => Frame::Accept {
                message: self.message()?,
                receiver: self.binding()?,
                target: self.target()?,
                credit: self.need(tag::CREDIT, number)?,
            },
            kind::CONFIRM => Frame::Confirm {
                message: self.message()?,
                port: self.need(tag::PORT, port)?,
                nonce: self.need(tag::NONCE, nonce)?,
            },
            kind::DATA => {
                let offset: u64 = self.need(tag::OFFSET, number)?;
                offset.checked_add(length as u64).ok_or(ProtocolError::OffsetOverflow)?;
                Frame::Data { stream: self.stream()?, offset, body }
            }
            kind::END => Frame::End {
                stream: self.stream()?,
                length: self.need(tag::LENGTH, number)?,
                checksum: self.need(tag::CHECKSUM, |value| {
                    Some(u32::from_be_bytes(value.try_into().ok()?))
                })?,
            },
            kind::CREDIT => Frame::Credit {
                stream: self.stream()?,
                receiver: self.receiver()?,
                receipt: Receipt {
                    have: self.need(tag::OFFSET, number)?,
                    credit: self.need(tag::CREDIT, number)?,
                    started: self.flags()? & flag::STARTED != 0,
                    done: self.flags()? & flag::DONE != 0,
                    nonce: self.get(tag::NONCE, nonce)?,
                },
            },
            kind::PING => Frame::Ping { stream: self.stream()? },
            kind::RESET => Frame::Reset {
                stream: self.stream()?,
                port: self.get(tag::PORT, number)?,
                reason: self.reason()?,
            },
            kind::STOP => Frame::Stop {
                stream: self.stream()?,
                receiver: self.receiver()?,
                target: self.target()?,
                reason: self.reason()?,
            },
            kind::REPLY => {
                Frame::Reply { message: self.message()?, head: self.answer(names)?, body }
            }
            kind::REPLY_STREAM => Frame::ReplyStream {
                request: self.id(tag::REQUEST)?,
                message: self.message()?,
                head: self.answer(names)?,
                length: self.get(tag::LENGTH, number)?,
            },
            kind::FAILURE => Frame::Failure {
                message: self.message()?,
                instance: self.instance()?,
                target: self.target()?,
                started: self.flags()? & flag::STARTED != 0,
                reason: self.reason()?,
                detail: self.detail(body)?,
            },
            kind::CANCEL => Frame::Cancel { message: self.message()? },
            kind::ALIVE => Frame::Alive {
                message: self.message()?,
                instance: self.instance()?,
                target: self.target()?,
            },
            kind::PROBE => Frame::Probe { message: self.message()? },
            kind::BATCH => Frame::Batch { packets: body },
            kind::DESCRIBE => Frame::Describe {
                message: self.message()?,
                source: self.source(names)?,
                time_left: Duration::from_millis(self.need(tag::TIME_LEFT, number)?),
                brief: self.flags()? & flag::BRIEF != 0,
            },
            kind::DESCRIPTION => {
                let (message, source) = (self.message()?, self.source(names)?);
                Frame::Description { message, source, body }
            }
            kind => return Err(ProtocolError::UnknownType(kind)),
        })
    }

    /// Returns the error of a packet with an unknown critical field.
    fn not_understood(&self, kind: u8, tag: u8, names: &mut NameCache) -> ProtocolError {
        let asks = || Ok(self.flags()? & flag::REQUEST != 0);
        let mut refusable = || {
            Ok(match kind {
                kind::MESSAGE if asks()? => {
                    Refusable::Request(self.source(names)?, self.message()?)
                }
                kind::OFFER => Refusable::Offer(self.source(names)?, self.message()?),
                kind => return Err(ProtocolError::UnknownType(kind)),
            })
        };
        let refusable = refusable().map(Box::new);
        refusable.map_or(ProtocolError::UnknownField(tag), |it| ProtocolError::Unsupported(tag, it))
    }

    pub(super) fn source(&self, names: &mut NameCache) -> Result<Source> {
        let service = self.need(tag::SERVICE, |value| names.service(value))?;
        Ok(Source { service, instance: self.instance()? })
    }

    pub(super) fn message(&self) -> Result<MessageId> {
        self.id(tag::MESSAGE)
    }

    fn id(&self, tag: u8) -> Result<MessageId> {
        self.need(tag, |value| Some(MessageId::from_bytes(value.try_into().ok()?)))
    }

    fn instance(&self) -> Result<InstanceId> {
        self.need(tag::INSTANCE, |value| Some(InstanceId::from_bytes(value.try_into().ok()?)))
    }

    pub(super) fn flags(&self) -> Result<u64> {
        Ok(self.get(tag::FLAGS, number)?.unwrap_or(0))
    }

    fn stream(&self) -> Result<StreamId> {
        Ok(StreamId { message: self.message()?, reply: self.flags()? & flag::REPLY != 0 })
    }

    fn receiver(&self) -> Result<Receiver> {
        Ok(Receiver { instance: self.instance()?, port: self.need(tag::PORT, number)? })
    }

    /// Decodes a receiver that is a binding.
    fn binding(&self) -> Result<Receiver> {
        Ok(Receiver { instance: self.instance()?, port: self.need(tag::PORT, port)? })
    }

    fn target(&self) -> Result<Target> {
        self.need(tag::TARGET, |value| match number(value)? {
            1 => Some(Target::Plain),
            2 => Some(Target::Group),
            _ => None,
        })
    }

    fn reason(&self) -> Result<Reason> {
        let code = ReasonCode::from_wire(self.need(tag::CODE, number)?);
        Ok(Reason { code, text: self.text(tag::TEXT, Reason::MAX_TEXT)? })
    }

    fn detail(&self, value: Bytes) -> Result<Detail> {
        Ok(Detail {
            code: self.text(tag::FAILURE_CODE, Detail::MAX_CODE)?,
            transient: self.flags()? & flag::TRANSIENT != 0,
            content_type: self.content_type()?,
            value,
        })
    }

    fn text(&self, tag: u8, most: usize) -> Result<String> {
        let text = self
            .get(tag, |value| std::str::from_utf8(value).ok().filter(|text| text.len() <= most))?;
        Ok(text.unwrap_or_default().to_owned())
    }

    pub(super) fn content_type(&self) -> Result<Option<ContentType>> {
        self.get(tag::CONTENT_TYPE, |value| ContentType::new(std::str::from_utf8(value).ok()?))
    }
}

fn nonce(value: &[u8]) -> Option<Nonce> {
    Some(Nonce::from_bytes(value.try_into().ok()?))
}
