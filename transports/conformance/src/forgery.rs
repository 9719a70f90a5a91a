//! Packets to throw at a conduit: written by hand where no frame can say them.

use std::{sync::Arc, time::Duration};

use bytes::{BufMut, Bytes};
use conduit::{
    Conduit, Headers, InstanceId, MessageId, ServiceName, Source,
    proto::{
        Detail, ReasonCode,
        frame::{Frame, Head, Nonce, Receipt, Receiver, Request, StreamId, VERSION},
    },
    transport::Target,
};
use fastrand::Rng;

use crate::Number;

const MESSAGE: u8 = 1;
const SERVICE: u8 = 1;
const INSTANCE: u8 = 2;
const HEADER: u8 = 12;
const UNKNOWN_AND_CRITICAL: u8 = 200;
pub(crate) const ID: [u8; InstanceId::LEN] = [7; InstanceId::LEN];

/// Messages that would be valid but for one thing.
pub(crate) fn forgeries() -> Vec<Bytes> {
    let long = [b'a'; 129];
    let names: [&[u8]; 11] =
        [b"", b"a.b", b"a b", b"*", b">", b"a/b", b"a\0", b"a\n", b"\xff", "ä".as_bytes(), &long];
    let named = names.map(|name| packet(VERSION, MESSAGE, &[(SERVICE, name), (INSTANCE, &ID)]));
    let good = [(SERVICE, &b"forger"[..]), (INSTANCE, &ID)];
    let versions = [0, VERSION + 1, u8::MAX].map(|version| packet(version, MESSAGE, &good));
    let types = [0, 99, u8::MAX].map(|kind| packet(VERSION, kind, &good));
    let with = |tag, value| {
        let mut fields = good.to_vec();
        fields.push((tag, value));
        packet(VERSION, MESSAGE, &fields)
    };
    let mut forged = vec![
        Bytes::new(),
        Bytes::from_static(&[VERSION]),
        Bytes::from_static(&[VERSION, MESSAGE, 0xff, 0xff]),
        // A field that is longer than the header, and one whose length has no end.
        Bytes::from_static(&[VERSION, MESSAGE, 0, 2, SERVICE, 100]),
        Bytes::from_static(&[VERSION, MESSAGE, 0, 3, SERVICE, 0xff, 0xff]),
        packet(VERSION, MESSAGE, &good[..1]),
        packet(VERSION, MESSAGE, &[good[0], (INSTANCE, &ID[1..])]),
        with(SERVICE, b"forger"),
        with(HEADER, b"\x00"),
        with(HEADER, b"\x01k\xff"),
        with(UNKNOWN_AND_CRITICAL, b""),
    ];
    forged.extend(named);
    forged.extend(versions);
    forged.extend(types);
    forged
}

/// A packet with these fields and a short body, as the protocol's text says.
fn packet(version: u8, kind: u8, fields: &[(u8, &[u8])]) -> Bytes {
    let mut header = Vec::new();
    for &(tag, value) in fields {
        header.put_u8(tag);
        let length = u8::try_from(value.len()).expect("a short field");
        if length >= 0x80 {
            header.put_slice(&[length | 0x80, length >> 7]);
        } else {
            header.put_u8(length);
        }
        header.put_slice(value);
    }
    let mut packet = vec![version, kind];
    packet.put_u16(u16::try_from(header.len()).expect("a short header"));
    packet.put_slice(&header);
    packet.put_slice(b"body");
    packet.into()
}

/// The packet with an empty field more.
pub(crate) fn with_field(packet: &Bytes, tag: u8) -> Bytes {
    let header = u16::from_be_bytes([packet[2], packet[3]]);
    let (front, body) = packet.split_at(4 + usize::from(header));
    let mut longer = [front, &[tag, 0], body].concat();
    longer[2..4].copy_from_slice(&(header + 2).to_be_bytes());
    longer.into()
}

/// One valid frame of each type, as somebody could send it to a conduit.
pub(crate) fn every_frame(to: &Conduit<Number>) -> Vec<Frame> {
    let message = MessageId::from_bytes(ID);
    let stream = StreamId { message, reply: false };
    let receiver = Receiver { instance: to.instance(), port: 1 };
    let instance = InstanceId::from_bytes(ID);
    let target = Target::Plain;
    let reason = || ReasonCode::Dropped.into();
    let body = Bytes::from_static(b"body");
    let detail = Detail { value: body.clone(), ..Detail::of_code("forged") };
    let length = Some(100_000);
    let (port, offset, credit) = (1, 0, 65_536);
    let nonce = Nonce::from_bytes([7; Nonce::LEN]);
    let receipt = Receipt { credit, nonce: Some(nonce), ..Receipt::default() };
    let with_request = |request| {
        let mut headers = Headers::new();
        headers.add("key", "value").expect("a valid header");
        let service = ServiceName::try_from("forger").expect("a service name");
        let source = Source { service, instance };
        Arc::new(Head { source, content_type: None, headers, sequence: None, request })
    };
    let request = Request { message, time_left: Some(Duration::from_millis(50)), credit };
    let (head, asking) = (|| with_request(None), || with_request(Some(request)));
    vec![
        Frame::Message { head: head(), body: body.clone() },
        Frame::Message { head: asking(), body: body.clone() },
        Frame::Offer { head: head(), message, target, length },
        Frame::Offer { head: asking(), message, target, length },
        Frame::Accept { message, receiver, target, credit },
        Frame::Confirm { message, port, nonce },
        Frame::Data { stream, offset, body: body.clone() },
        Frame::End { stream, length: 4, checksum: 7 },
        Frame::Credit { stream, receiver, receipt },
        Frame::Ping { stream },
        Frame::Reset { stream, port: Some(port), reason: reason() },
        Frame::Stop { stream, receiver, target, reason: reason() },
        Frame::Reply { message, head: head(), body: body.clone() },
        Frame::ReplyStream { request: message, message, head: head(), length },
        Frame::Failure { message, instance, target, started: true, reason: reason(), detail },
        Frame::Cancel { message },
        Frame::Alive { message, instance, target },
        Frame::Probe { message },
    ]
}

/// A packet of which something was changed.
pub(crate) fn mutate(rng: &mut Rng, packet: &Bytes) -> Bytes {
    let mut packet = packet.to_vec();
    match rng.u8(..4) {
        0 => packet.truncate(rng.usize(..packet.len())),
        1 => {
            let at = rng.usize(..packet.len());
            packet.insert(at, rng.u8(..));
        }
        _ => {
            for _ in 0..rng.u8(1..=4) {
                let at = rng.usize(..packet.len());
                packet[at] = rng.u8(..);
            }
        }
    }
    packet.into()
}
