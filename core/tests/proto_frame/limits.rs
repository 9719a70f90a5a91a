//! The limits of every field, and of the header as a whole.

use std::sync::Arc;

use bytes::Bytes;
use conduit::{
    HeaderError, Headers, MAX_SERVICE_NAME, ServiceName,
    proto::{
        ProtocolError, Reason, ReasonCode,
        frame::{ContentType, Frame, Head, MAX_CONTENT_TYPE, MAX_HEADER, StreamId},
    },
};

use crate::samples::{INSTANCE, MESSAGE, head};

fn varint(mut value: usize, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(u8::try_from(value & 0x7f).expect("seven bits") | 0x80);
        value >>= 7;
    }
    out.push(u8::try_from(value).expect("seven bits"));
}

fn field(tag: u8, value: &[u8]) -> Vec<u8> {
    let mut field = vec![tag];
    varint(value.len(), &mut field);
    field.extend_from_slice(value);
    field
}

fn packet(kind: u8, fields: &[Vec<u8>]) -> Bytes {
    let header = fields.concat();
    let length = u16::try_from(header.len()).expect("the header is short");
    [&[1, kind], &length.to_be_bytes()[..], &header].concat().into()
}

/// A message from a service of that name, with more fields.
fn message(service: &[u8], more: &[Vec<u8>]) -> Result<Frame, ProtocolError> {
    let mut fields = vec![field(1, service), field(2, &INSTANCE.to_bytes())];
    fields.extend_from_slice(more);
    Frame::decode(&packet(1, &fields))
}

fn header_field(key: &str, value: &str) -> Vec<u8> {
    let mut entry = Vec::new();
    varint(key.len(), &mut entry);
    entry.extend_from_slice(key.as_bytes());
    entry.extend_from_slice(value.as_bytes());
    field(12, &entry)
}

#[test]
fn header_bytes_are_counted() {
    let headers = |value: usize| message(b"a", &[header_field("k", &"v".repeat(value))]);
    assert!(headers(Headers::MAX_BYTES - 1).is_ok());
    assert_eq!(headers(Headers::MAX_BYTES), Err(ProtocolError::InvalidField(12)));
    let mut full = Headers::new();
    assert_eq!(full.add("k", "v".repeat(Headers::MAX_BYTES - 1)), Ok(()));
    assert_eq!(full.add("k", ""), Err(HeaderError::TooLarge));
    assert_eq!(full.len(), 1, "nothing was added");
}

#[test]
fn a_text_that_is_too_long_is_cut_between_characters() {
    let long = format!("x{}", "\u{e9}".repeat(Reason::MAX_TEXT));
    let cut = Reason::new(ReasonCode::HandlerFailed, long.clone());
    assert_eq!(cut.text.len(), Reason::MAX_TEXT - 1);
    let reason = Reason { code: ReasonCode::HandlerFailed, text: long };
    let stream = StreamId { message: MESSAGE, reply: false };
    let reset = |reason| Frame::Reset { stream, port: None, reason };
    assert_eq!(Frame::decode(&reset(reason).encode()), Ok(reset(cut)));
}

#[test]
fn a_header_has_a_longest_length() {
    let filled = |length: usize| {
        let ping = field(3, &MESSAGE.to_bytes());
        let filler = vec![0; length - ping.len() - 3];
        packet(8, &[ping, field(0x7f, &filler)])
    };
    assert_eq!(filled(MAX_HEADER).len(), 4 + MAX_HEADER);
    assert!(Frame::decode(&filled(MAX_HEADER)).is_ok());
    assert_eq!(Frame::decode(&filled(MAX_HEADER + 1)), Err(ProtocolError::HeaderTooLong));
}

#[test]
fn the_fullest_head_there_is_fits() {
    let mut headers = Headers::new();
    for count in 0..Headers::MAX_COUNT {
        let value = "v".repeat(Headers::MAX_BYTES / Headers::MAX_COUNT - 4);
        headers.add(format!("{count:04}"), value).expect("it fits");
    }
    let head = Head {
        source: conduit::Source {
            service: ServiceName::new("s".repeat(MAX_SERVICE_NAME)).expect("the name is valid"),
            instance: INSTANCE,
        },
        content_type: ContentType::new(&"t".repeat(MAX_CONTENT_TYPE)),
        headers,
        sequence: Some(u64::MAX),
        request: Some(conduit::proto::frame::Request {
            message: MESSAGE,
            time_left: Some(std::time::Duration::MAX),
            credit: u64::MAX,
        }),
    };
    let frame = Frame::Offer {
        head: Arc::new(head),
        message: MESSAGE,
        target: conduit::transport::Target::Group,
        length: Some(u64::MAX),
    };
    let packet = frame.encode();
    assert!(packet.len() <= 4 + MAX_HEADER);
    assert!(Frame::decode(&packet).is_ok());
}

#[test]
fn an_answer_asks_nothing() {
    let request = conduit::proto::frame::Request { message: MESSAGE, time_left: None, credit: 1 };
    let asking = Head { request: Some(request), ..head("a") };
    let reply = |head| {
        let head = Arc::new(head);
        Frame::Reply { message: MESSAGE, head, body: Bytes::new() }
    };
    assert_eq!(Frame::decode(&reply(asking).encode()), Ok(reply(head("a"))));
}

#[test]
fn a_small_piece_does_not_keep_a_large_header_alive() {
    let data = packet(5, &[field(3, &MESSAGE.to_bytes()), field(7, &[0]), field(0x7f, &[0; 4096])]);
    let data = Bytes::from([&data[..], b"x"].concat());
    let decoded = Frame::decode(&data);
    assert!(matches!(decoded, Ok(Frame::Data { .. })));
    assert!(data.is_unique(), "the piece was copied");
    drop(decoded);
}
