//! One frame of every type, and the packet that it has to be, for ever.

use std::time::Duration;

use bytes::Bytes;
use conduit::{
    InstanceId, MessageId, ServiceName,
    proto::{
        Headers, Reason, ReasonCode,
        frame::{ContentType, Frame, Head, Receiver, Request, Source, StreamId},
    },
    transport::Target,
};

pub(crate) const MESSAGE: MessageId = MessageId::from_bytes([0xaa; 16]);
pub(crate) const INSTANCE: InstanceId = InstanceId::from_bytes([0xbb; 16]);
const RECEIVER: Receiver = Receiver {
    instance: INSTANCE,
    port: 7,
};
const BODY: StreamId = StreamId {
    message: MESSAGE,
    reply: false,
};
const REPLY: StreamId = StreamId {
    message: MESSAGE,
    reply: true,
};

/// Each line is a field: tag, length, value. The first is version, type and header length.
const GOLDEN: [(&str, &[&str]); 21] = [
    (
        "message",
        &[
            "01 01 0034",
            "01 04 75736572",
            "02 10 bbbbbbbbbbbbbbbb bbbbbbbbbbbbbbbb",
            "0b 0a 746578742f706c61696e",
            "0c 05 01 6b 76 c3a9",
            "0c 03 02 6b32",
            "10 02 ac02",
            "68656c6c6f",
        ],
    ),
    (
        "message that asks nothing",
        &[
            "01 01 0015",
            "01 01 61",
            "02 10 bbbbbbbbbbbbbbbb bbbbbbbbbbbbbbbb",
        ],
    ),
    (
        "request",
        &[
            "01 01 0033",
            "01 01 61",
            "02 10 bbbbbbbbbbbbbbbb bbbbbbbbbbbbbbbb",
            "03 10 aaaaaaaaaaaaaaaa aaaaaaaaaaaaaaaa",
            "0a 02 b017",
            "06 03 808004",
            "0f 01 04",
            "3f",
        ],
    ),
    (
        "offer",
        &[
            "01 02 002f",
            "01 01 61",
            "02 10 bbbbbbbbbbbbbbbb bbbbbbbbbbbbbbbb",
            "03 10 aaaaaaaaaaaaaaaa aaaaaaaaaaaaaaaa",
            "05 01 01",
            "08 03 808040",
        ],
    ),
    (
        "offer of a request",
        &[
            "01 02 0030",
            "01 01 61",
            "02 10 bbbbbbbbbbbbbbbb bbbbbbbbbbbbbbbb",
            "03 10 aaaaaaaaaaaaaaaa aaaaaaaaaaaaaaaa",
            "06 01 00",
            "0f 01 04",
            "05 01 02",
        ],
    ),
    (
        "accept",
        &[
            "01 03 002f",
            "03 10 aaaaaaaaaaaaaaaa aaaaaaaaaaaaaaaa",
            "02 10 bbbbbbbbbbbbbbbb bbbbbbbbbbbbbbbb",
            "04 01 07",
            "05 01 02",
            "06 03 808004",
        ],
    ),
    (
        "confirm",
        &[
            "01 04 0015",
            "03 10 aaaaaaaaaaaaaaaa aaaaaaaaaaaaaaaa",
            "04 01 07",
        ],
    ),
    (
        "data",
        &[
            "01 05 0017",
            "03 10 aaaaaaaaaaaaaaaa aaaaaaaaaaaaaaaa",
            "07 03 808001",
            "00ff",
        ],
    ),
    (
        "data of a reply",
        &[
            "01 05 0018",
            "03 10 aaaaaaaaaaaaaaaa aaaaaaaaaaaaaaaa",
            "0f 01 01",
            "07 01 00",
            "78",
        ],
    ),
    (
        "end",
        &[
            "01 06 001c",
            "03 10 aaaaaaaaaaaaaaaa aaaaaaaaaaaaaaaa",
            "08 02 8101",
            "09 04 deadbeef",
        ],
    ),
    (
        "credit",
        &[
            "01 07 002e",
            "03 10 aaaaaaaaaaaaaaaa aaaaaaaaaaaaaaaa",
            "02 10 bbbbbbbbbbbbbbbb bbbbbbbbbbbbbbbb",
            "04 01 07",
            "07 01 05",
            "06 02 8001",
        ],
    ),
    (
        "last credit of a reply",
        &[
            "01 07 0030",
            "03 10 aaaaaaaaaaaaaaaa aaaaaaaaaaaaaaaa",
            "0f 01 03",
            "02 10 bbbbbbbbbbbbbbbb bbbbbbbbbbbbbbbb",
            "04 01 07",
            "07 01 05",
            "06 01 05",
        ],
    ),
    (
        "ping",
        &["01 08 0012", "03 10 aaaaaaaaaaaaaaaa aaaaaaaaaaaaaaaa"],
    ),
    (
        "reset",
        &[
            "01 09 0020",
            "03 10 aaaaaaaaaaaaaaaa aaaaaaaaaaaaaaaa",
            "04 01 07",
            "0d 01 09",
            "0e 06 6469736b203f",
        ],
    ),
    (
        "stop",
        &[
            "01 0a 002d",
            "03 10 aaaaaaaaaaaaaaaa aaaaaaaaaaaaaaaa",
            "02 10 bbbbbbbbbbbbbbbb bbbbbbbbbbbbbbbb",
            "04 01 07",
            "05 01 01",
            "0d 01 01",
        ],
    ),
    (
        "reply",
        &[
            "01 0b 0027",
            "03 10 aaaaaaaaaaaaaaaa aaaaaaaaaaaaaaaa",
            "01 01 61",
            "02 10 bbbbbbbbbbbbbbbb bbbbbbbbbbbbbbbb",
            "6f6b",
        ],
    ),
    (
        "reply stream",
        &[
            "01 0c 003c",
            "11 10 7272727272727272 7272727272727272",
            "03 10 aaaaaaaaaaaaaaaa aaaaaaaaaaaaaaaa",
            "01 01 61",
            "02 10 bbbbbbbbbbbbbbbb bbbbbbbbbbbbbbbb",
            "08 01 00",
        ],
    ),
    (
        "failure",
        &[
            "01 0d 0030",
            "03 10 aaaaaaaaaaaaaaaa aaaaaaaaaaaaaaaa",
            "02 10 bbbbbbbbbbbbbbbb bbbbbbbbbbbbbbbb",
            "05 01 02",
            "0d 02 8f4e",
            "0e 03 626164",
            "7b7d",
        ],
    ),
    (
        "cancel",
        &["01 0e 0012", "03 10 aaaaaaaaaaaaaaaa aaaaaaaaaaaaaaaa"],
    ),
    (
        "alive",
        &[
            "01 0f 0024",
            "03 10 aaaaaaaaaaaaaaaa aaaaaaaaaaaaaaaa",
            "02 10 bbbbbbbbbbbbbbbb bbbbbbbbbbbbbbbb",
        ],
    ),
    (
        "probe",
        &["01 10 0012", "03 10 aaaaaaaaaaaaaaaa aaaaaaaaaaaaaaaa"],
    ),
];

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
        .map(|(&(name, lines), frame)| Sample {
            name,
            packet: hex(&lines.concat()),
            frame,
        })
        .collect()
}

pub(crate) fn hex(text: &str) -> Bytes {
    let digits: Vec<u8> = text
        .chars()
        .filter_map(|digit| digit.to_digit(16))
        .map(|digit| u8::try_from(digit).expect("a digit is small"))
        .collect();
    digits
        .chunks(2)
        .map(|pair| pair[0] << 4 | pair[1])
        .collect()
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
    let request = Request {
        message: MESSAGE,
        time_left,
        credit,
    };
    Head {
        request: Some(request),
        ..head("a")
    }
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
    let message = |head, body: &'static str| Frame::Message {
        head,
        body: body.into(),
    };
    let offer = |head, target, length| Frame::Offer {
        head,
        message: MESSAGE,
        target,
        length,
    };
    vec![
        message(full_head(), "hello"),
        message(head("a"), ""),
        message(
            asking(
                Some(Duration::from_secs(2) + Duration::from_millis(992)),
                65_536,
            ),
            "?",
        ),
        offer(head("a"), Target::Plain, Some(1 << 20)),
        offer(asking(None, 0), Target::Group, None),
        Frame::Accept {
            message: MESSAGE,
            receiver: RECEIVER,
            target: Target::Group,
            credit: 65_536,
        },
        Frame::Confirm {
            message: MESSAGE,
            port: 7,
        },
    ]
}

fn streams() -> Vec<Frame> {
    let data = |stream, offset, body: &'static [u8]| Frame::Data {
        stream,
        offset,
        body: Bytes::from_static(body),
    };
    let credit = |stream, credit, done| Frame::Credit {
        stream,
        receiver: RECEIVER,
        have: 5,
        credit,
        done,
    };
    vec![
        data(BODY, 16_384, &[0x00, 0xff]),
        data(REPLY, 0, b"x"),
        Frame::End {
            stream: BODY,
            length: 129,
            checksum: 0xdead_beef,
        },
        credit(BODY, 128, false),
        credit(REPLY, 5, true),
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
        Frame::Reply {
            message: MESSAGE,
            head: head("a"),
            body: "ok".into(),
        },
        Frame::ReplyStream {
            request: MessageId::from_bytes([0x72; 16]),
            message: MESSAGE,
            head: head("a"),
            length: Some(0),
        },
        Frame::Failure {
            message: MESSAGE,
            instance: INSTANCE,
            target: Target::Group,
            reason: Reason::new(ReasonCode::Other(9_999), "bad"),
            detail: "{}".into(),
        },
        Frame::Cancel { message: MESSAGE },
        Frame::Alive {
            message: MESSAGE,
            instance: INSTANCE,
        },
        Frame::Probe { message: MESSAGE },
    ]
}
