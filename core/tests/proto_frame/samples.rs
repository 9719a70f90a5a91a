//! One frame of every type at least, and the packet that it is.

use std::time::Duration;

use crate::packets::GOLDEN;
use bytes::Bytes;
use conduit::{
    InstanceId, MessageId, ServiceName,
    proto::{
        Detail, Headers, Reason, ReasonCode,
        frame::{ContentType, Frame, Head, Nonce, Receipt, Receiver, Request, Source, StreamId},
    },
    transport::Target,
};

pub(crate) const MESSAGE: MessageId = MessageId::from_bytes([0xaa; 16]);
pub(crate) const INSTANCE: InstanceId = InstanceId::from_bytes([0xbb; 16]);
const RECEIVER: Receiver = Receiver { instance: INSTANCE, port: 7 };
pub(crate) const NONCE: Nonce = Nonce::from_bytes([0xcc; 8]);
const BODY: StreamId = StreamId { message: MESSAGE, reply: false };
const REPLY: StreamId = StreamId { message: MESSAGE, reply: true };

pub(crate) struct Sample {
    pub(crate) name: &'static str,
    pub(crate) packet: Bytes,
    pub(crate) frame: Frame,
}

pub(crate) fn all() -> Vec<Sample> {
    let frames = frames();
    assert_eq!(frames.len(), GOLDEN.len(), "each frame has its packet");
    GOLDEN
        .iter()
        .zip(frames)
        .map(|(&(name, lines), frame)| Sample { name, packet: hex(&lines.concat()), frame })
        .collect()
}

pub(crate) fn hex(text: &str) -> Bytes {
    let digits: Vec<u8> = text
        .chars()
        .filter_map(|digit| digit.to_digit(16))
        .map(|digit| u8::try_from(digit).expect("a digit is small"))
        .collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

pub(crate) fn head(service: &str) -> Head {
    Head {
        source: Source {
            service: ServiceName::new(service).expect("the name is valid"),
            instance: INSTANCE,
        },
        content_type: None,
        headers: Headers::new(),
        sequence: None,
        request: None,
    }
}

fn asking(time_left: Option<Duration>, credit: u64) -> Head {
    let request = Request { message: MESSAGE, time_left, credit };
    Head { request: Some(request), ..head("a") }
}

fn full_head() -> Head {
    let mut headers = Headers::new();
    headers.add("k", "v\u{e9}").expect("a valid header");
    headers.add("k2", "").expect("a valid header");
    Head {
        content_type: ContentType::new("text/plain"),
        headers,
        sequence: Some(300),
        ..head("user")
    }
}

fn frames() -> Vec<Frame> {
    let mut frames = openings();
    frames.extend(streams());
    frames.extend(answers());
    frames
}

fn openings() -> Vec<Frame> {
    let message =
        |head, body: &'static str| Frame::Message { head: Box::new(head), body: body.into() };
    let offer = |head, target, length| Frame::Offer {
        head: Box::new(head),
        message: MESSAGE,
        target,
        length,
    };
    vec![
        message(full_head(), "hello"),
        message(head("a"), ""),
        message(asking(Some(Duration::from_secs(2) + Duration::from_millis(992)), 65_536), "?"),
        offer(head("a"), Target::Plain, Some(1 << 20)),
        offer(asking(None, 0), Target::Group, None),
        Frame::Accept {
            message: MESSAGE,
            receiver: RECEIVER,
            target: Target::Group,
            credit: 65_536,
        },
        Frame::Confirm { message: MESSAGE, port: 7, nonce: NONCE },
    ]
}

fn streams() -> Vec<Frame> {
    let data = |stream, offset, body: &'static [u8]| Frame::Data {
        stream,
        offset,
        body: Bytes::from_static(body),
    };
    let credit = |stream, receipt| Frame::Credit { stream, receiver: RECEIVER, receipt };
    let receipt = Receipt { have: 5, credit: 128, ..Receipt::default() };
    vec![
        data(BODY, 16_384, &[0x00, 0xff]),
        data(REPLY, 0, b"x"),
        Frame::End { stream: BODY, length: 129, checksum: 0xdead_beef },
        credit(BODY, receipt),
        credit(BODY, Receipt { started: true, nonce: Some(NONCE), ..receipt }),
        credit(REPLY, Receipt { credit: 5, done: true, ..receipt }),
        Frame::Ping { stream: BODY },
        Frame::Reset {
            stream: BODY,
            port: Some(7),
            reason: Reason::new(ReasonCode::SourceFailed, "disk ?"),
        },
        Frame::Stop {
            stream: BODY,
            receiver: RECEIVER,
            target: Target::Plain,
            reason: ReasonCode::Overloaded.into(),
        },
    ]
}

fn answers() -> Vec<Frame> {
    vec![
        Frame::Reply { message: MESSAGE, head: Box::new(head("a")), body: "ok".into() },
        Frame::ReplyStream {
            request: MessageId::from_bytes([0x72; 16]),
            message: MESSAGE,
            head: Box::new(head("a")),
            length: Some(0),
        },
        Frame::Failure {
            message: MESSAGE,
            instance: INSTANCE,
            target: Target::Group,
            started: false,
            reason: Reason::new(ReasonCode::Other(9_999), "bad"),
            detail: Detail {
                code: "no.stock".into(),
                transient: false,
                content_type: ContentType::new("application/json"),
                value: "{}".into(),
            },
        },
        Frame::Failure {
            message: MESSAGE,
            instance: INSTANCE,
            target: Target::Plain,
            started: true,
            reason: ReasonCode::HandlerFailed.into(),
            detail: Detail { transient: true, ..Detail::default() },
        },
        Frame::Cancel { message: MESSAGE },
        Frame::Alive { message: MESSAGE, instance: INSTANCE, target: Target::Group },
        Frame::Probe { message: MESSAGE },
    ]
}
