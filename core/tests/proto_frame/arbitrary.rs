//! Any frame comes back as it was, and no packet panics.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use conduit::{
    Headers, InstanceId, MessageId, ServiceName, Source,
    proto::{
        Detail, Reason, ReasonCode,
        frame::{ContentType, Frame, Head, Nonce, Receipt, Receiver, Request, StreamId},
    },
    transport::Target,
};
use proptest::{collection::vec, option, prelude::*, sample::Index};

use crate::samples;

fn message() -> impl Strategy<Value = MessageId> {
    any::<[u8; 16]>().prop_map(MessageId::from_bytes)
}

fn instance() -> impl Strategy<Value = InstanceId> {
    any::<[u8; 16]>().prop_map(InstanceId::from_bytes)
}

/// The name of a binding.
fn port() -> impl Strategy<Value = u64> {
    1..=u64::MAX
}

fn binding() -> impl Strategy<Value = Receiver> {
    (instance(), port()).prop_map(|(instance, port)| Receiver { instance, port })
}

/// A binding, or the reader of a reply.
fn receiver() -> impl Strategy<Value = Receiver> {
    (instance(), any::<u64>()).prop_map(|(instance, port)| Receiver { instance, port })
}

fn nonce() -> impl Strategy<Value = Nonce> {
    any::<[u8; 8]>().prop_map(Nonce::from_bytes)
}

fn receipt() -> impl Strategy<Value = Receipt> {
    let (number, bit) = (any::<u64>, any::<bool>);
    (number(), number(), bit(), bit(), option::of(nonce())).prop_map(
        |(have, credit, started, done, nonce)| Receipt { have, credit, started, done, nonce },
    )
}

fn stream() -> impl Strategy<Value = StreamId> {
    (message(), any::<bool>()).prop_map(|(message, reply)| StreamId { message, reply })
}

fn target() -> impl Strategy<Value = Target> {
    prop_oneof![Just(Target::Plain), Just(Target::Group)]
}

fn detail() -> impl Strategy<Value = Detail> {
    ("[ -~é]{0,60}", any::<bool>(), content_type(), body()).prop_map(
        |(code, transient, content_type, value)| Detail { code, transient, content_type, value },
    )
}

fn content_type() -> impl Strategy<Value = Option<ContentType>> {
    let text = option::of("[ -~]{1,30}");
    text.prop_map(|text| text.map(|text| ContentType::new(&text).expect("it is ASCII")))
}

fn reason() -> impl Strategy<Value = Reason> {
    let code = prop_oneof![0..30u64, any::<u64>()].prop_map(ReasonCode::from_wire);
    (code, ".{0,40}").prop_map(|(code, text)| Reason::new(code, text))
}

fn headers() -> impl Strategy<Value = Headers> {
    vec(("[!-~]{1,20}", ".{0,20}"), 0..6).prop_map(|entries| {
        let mut headers = Headers::new();
        for (key, value) in entries {
            headers.add(key, value).expect("the headers are small");
        }
        headers
    })
}

fn body() -> impl Strategy<Value = Bytes> {
    vec(any::<u8>(), 0..40).prop_map(Bytes::from)
}

/// A head that asks nothing.
fn answer() -> impl Strategy<Value = Head> {
    let sequence = option::of(any::<u64>());
    ("[a-zA-Z0-9_-]{1,128}", instance(), content_type(), headers(), sequence).prop_map(
        |(service, instance, content_type, headers, sequence)| Head {
            source: Source {
                service: ServiceName::new(service).expect("the name is valid"),
                instance,
            },
            content_type,
            headers,
            sequence,
            request: None,
        },
    )
}

fn head(message: MessageId) -> impl Strategy<Value = Head> {
    let time_left = option::of(any::<u64>().prop_map(Duration::from_millis));
    let request = option::of((time_left, any::<u64>()));
    (answer(), request).prop_map(move |(head, request)| Head {
        request: request.map(|(time_left, credit)| Request { message, time_left, credit }),
        ..head
    })
}

fn opening() -> impl Strategy<Value = Frame> {
    let whole = (message().prop_flat_map(head), body())
        .prop_map(|(head, body)| Frame::Message { head: Arc::new(head), body });
    let head = message().prop_flat_map(|message| (Just(message), head(message)));
    let offer =
        (head, target(), option::of(any::<u64>())).prop_map(|((message, head), target, length)| {
            Frame::Offer { head: Arc::new(head), message, target, length }
        });
    let accept = (message(), binding(), target(), any::<u64>()).prop_map(
        |(message, receiver, target, credit)| Frame::Accept { message, receiver, target, credit },
    );
    let confirm = (message(), port(), nonce()).prop_map(|(message, port, nonce)| Frame::Confirm {
        message,
        port,
        nonce,
    });
    prop_oneof![whole, offer, accept, confirm]
}

fn streaming() -> impl Strategy<Value = Frame> {
    let data = (stream(), 0..=u64::MAX - 40, body())
        .prop_map(|(stream, offset, body)| Frame::Data { stream, offset, body });
    let end = (stream(), any::<u64>(), any::<u32>())
        .prop_map(|(stream, length, checksum)| Frame::End { stream, length, checksum });
    let credit = (stream(), receiver(), receipt())
        .prop_map(|(stream, receiver, receipt)| Frame::Credit { stream, receiver, receipt });
    let ping = stream().prop_map(|stream| Frame::Ping { stream });
    let reset = (stream(), option::of(any::<u64>()), reason())
        .prop_map(|(stream, port, reason)| Frame::Reset { stream, port, reason });
    let stop = (stream(), receiver(), target(), reason()).prop_map(
        |(stream, receiver, target, reason)| Frame::Stop { stream, receiver, target, reason },
    );
    prop_oneof![data, end, credit, ping, reset, stop]
}

fn answering() -> impl Strategy<Value = Frame> {
    let reply = (message(), answer(), body()).prop_map(|(message, head, body)| Frame::Reply {
        message,
        head: Arc::new(head),
        body,
    });
    let reply_stream = (message(), message(), answer(), option::of(any::<u64>())).prop_map(
        |(request, message, head, length)| Frame::ReplyStream {
            request,
            message,
            head: Arc::new(head),
            length,
        },
    );
    let failure = (message(), instance(), target(), any::<bool>(), reason(), detail()).prop_map(
        |(message, instance, target, started, reason, detail)| Frame::Failure {
            message,
            instance,
            target,
            started,
            reason,
            detail,
        },
    );
    let cancel = message().prop_map(|message| Frame::Cancel { message });
    let alive = (message(), instance(), target())
        .prop_map(|(message, instance, target)| Frame::Alive { message, instance, target });
    let probe = message().prop_map(|message| Frame::Probe { message });
    let batch = body().prop_map(|packets| Frame::Batch { packets });
    prop_oneof![reply, reply_stream, failure, cancel, alive, probe, batch]
}

fn source() -> impl Strategy<Value = Source> {
    answer().prop_map(|head| head.source)
}

fn describing() -> impl Strategy<Value = Frame> {
    let describe = (message(), source(), any::<u32>(), any::<bool>()).prop_map(
        |(message, source, wait, brief)| {
            let time_left = Duration::from_millis(wait.into());
            Frame::Describe { message, source, time_left, brief }
        },
    );
    let description = (message(), source(), body())
        .prop_map(|(message, source, body)| Frame::Description { message, source, body });
    prop_oneof![describe, description]
}

fn frame() -> impl Strategy<Value = Frame> {
    prop_oneof![opening(), streaming(), answering(), describing()]
}

/// Whatever can be read is written in one way, and reads the same again.
fn assert_stable(packet: &Bytes) {
    if let Ok(frame) = Frame::decode(packet) {
        let written = frame.encode();
        let again = Frame::decode(&written).expect("what was written can be read");
        assert_eq!(again, frame);
        assert_eq!(again.encode(), written);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn every_frame_comes_back(frame in frame()) {
        prop_assert_eq!(Frame::decode(&frame.encode()), Ok(frame));
    }

    #[test]
    fn no_packet_panics(packet in vec(any::<u8>(), 0..200)) {
        assert_stable(&packet.into());
    }

    #[test]
    fn no_header_panics(kind in 1..=19u8, header in vec(any::<u8>(), 0..200)) {
        let length = u16::try_from(header.len()).expect("the header is short").to_be_bytes();
        assert_stable(&[&[1, kind], &length[..], &header].concat().into());
    }

    #[test]
    fn no_mutated_packet_panics(
        golden in any::<Index>(),
        changes in vec((any::<Index>(), any::<u8>()), 1..4),
        cut in any::<Index>(),
    ) {
        let mut packet = golden.get(samples::all()).packet.to_vec();
        for (at, byte) in changes {
            *at.get_mut(&mut packet) = byte;
        }
        assert_stable(&packet.clone().into());
        packet.truncate(cut.index(packet.len() + 1));
        assert_stable(&packet.into());
    }
}
