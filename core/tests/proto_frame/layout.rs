//! Each kind of frame is written and read as its layout says, which is that of the specification.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use conduit::{
    Headers,
    proto::{
        Detail, ProtocolError, Reason, ReasonCode,
        frame::{
            BodyKind, ContentType, FRAMES, FieldSet, Frame, Head, Layout, Nonce, Receipt, Receiver,
            Request, StreamId,
        },
    },
    transport::Target,
};

use crate::{
    refused::with_field,
    samples::{self, INSTANCE, MESSAGE},
    spec,
};

/// Its absence means that a frame does not ask.
const FLAGS: u8 = 15;

/// A frame of each kind, with all fields that it may have, or with none that it may lack.
fn frames(is_full: bool) -> Vec<(Layout, Frame)> {
    let some = |number: u64| is_full.then_some(number);
    let text = if is_full { "text" } else { "" };
    let content_type = is_full.then(|| ContentType::new("text/plain").expect("it is valid"));
    let request =
        Request { message: MESSAGE, time_left: some(1).map(Duration::from_secs), credit: 1 };
    let mut headers = Headers::new();
    for key in ["one", "two"].into_iter().filter(|_| is_full) {
        headers.add(key, "value").expect("it is valid");
    }
    let answer = Head {
        content_type: content_type.clone(),
        headers,
        sequence: some(1),
        ..samples::head("a")
    };
    let head = || Arc::new(Head { request: is_full.then_some(request), ..answer.clone() });
    let answer = || Arc::new(answer.clone());
    let (message, target, body) = (MESSAGE, Target::Group, Bytes::from(text));
    let source = samples::head("a").source;
    let (stream, length) = (StreamId { message, reply: is_full }, some(1));
    let (instance, receiver) = (INSTANCE, Receiver { instance: INSTANCE, port: 1 });
    let nonce = Nonce::from_bytes([1; Nonce::LEN]);
    let receipt = Receipt { nonce: is_full.then_some(nonce), ..Receipt::default() };
    let reason = Reason::new(ReasonCode::HandlerFailed, text);
    let detail = Detail { content_type, value: body.clone(), ..Detail::of_code(text) };
    let frames = [
        Frame::Message { head: head(), body: body.clone() },
        Frame::Offer { head: head(), message, target, length },
        Frame::Accept { message, receiver, target, credit: 1 },
        Frame::Confirm { message, port: 1, nonce },
        Frame::Data { stream, offset: 1, body: body.clone() },
        Frame::End { stream, length: 1, checksum: 1 },
        Frame::Credit { stream, receiver, receipt },
        Frame::Ping { stream },
        Frame::Reset { stream, port: some(1), reason: reason.clone() },
        Frame::Stop { stream, receiver, target, reason: reason.clone() },
        Frame::Reply { message, head: answer(), body: body.clone() },
        Frame::ReplyStream { request: message, message, head: answer(), length },
        Frame::Failure { message, instance, target, started: is_full, reason, detail },
        Frame::Cancel { message },
        Frame::Alive { message, instance, target },
        Frame::Probe { message },
        Frame::Batch { packets: body.clone() },
        Frame::Describe {
            message,
            source: source.clone(),
            time_left: Duration::from_secs(1),
            brief: is_full,
        },
        Frame::Description { message, source, body },
    ];
    FRAMES.into_iter().zip(frames).collect()
}

fn all_frames() -> impl Iterator<Item = (Layout, Frame)> {
    frames(false).into_iter().chain(frames(true))
}

/// The packet's fields, each with its tag, and its body.
fn parts(packet: &Bytes) -> (Vec<&[u8]>, &[u8]) {
    let length = usize::from(u16::from_be_bytes([packet[2], packet[3]]));
    let (mut header, body) = packet[4..].split_at(length);
    let mut fields = Vec::new();
    while !header.is_empty() {
        let (field, rest) = header.split_at(2 + usize::from(header[1]));
        fields.push(field);
        header = rest;
    }
    (fields, body)
}

/// The packet without a field.
fn without(packet: &Bytes, tag: u8) -> Bytes {
    let (fields, body) = parts(packet);
    let fields = fields.into_iter().filter(|field| field[0] != tag).collect::<Vec<_>>().concat();
    let length = u16::try_from(fields.len()).expect("it got shorter").to_be_bytes();
    [&packet[..2], &length, &fields, body].concat().into()
}

fn sorted(tags: impl IntoIterator<Item = u8>) -> Vec<u8> {
    let mut tags: Vec<_> = tags.into_iter().collect();
    tags.sort_unstable();
    tags
}

/// All tags that some frame uses.
fn known() -> Vec<u8> {
    let mut tags = sorted(FRAMES.into_iter().flat_map(|layout| used(layout.fields)));
    tags.dedup();
    tags
}

fn used(fields: FieldSet) -> impl Iterator<Item = u8> {
    let FieldSet { required, optional, repeatable, asking } = fields;
    required.union(optional).union(repeatable).union(asking).iter()
}

#[test]
fn what_is_written_has_the_fields_of_its_layout() {
    for (layout, frame) in frames(false) {
        let packet = frame.encode();
        let (fields, body) = parts(&packet);
        assert_eq!((packet[1], body), (layout.kind, &b""[..]), "{}", layout.name);
        let tags = sorted(fields.iter().map(|field| field[0]));
        assert_eq!(tags, sorted(layout.fields.required.iter()), "{}", layout.name);
    }
    for (layout, frame) in frames(true) {
        let packet = frame.encode();
        let (fields, body) = parts(&packet);
        let has_body = layout.body != BodyKind::Nothing;
        assert_eq!((packet[1], !body.is_empty()), (layout.kind, has_body), "{}", layout.name);
        let tags = sorted(fields.iter().map(|field| field[0]));
        let wanted = used(layout.fields).chain(layout.fields.repeatable.iter());
        assert_eq!(tags, sorted(wanted), "{}", layout.name);
    }
}

#[test]
fn only_a_required_field_must_be_there() {
    for (layout, frame) in all_frames() {
        let packet = frame.encode();
        let asks = parts(&packet).0.iter().any(|field| field[0] == FLAGS);
        for tag in used(layout.fields) {
            let FieldSet { required, asking, .. } = layout.fields;
            let is_asked = asks && tag != FLAGS && asking.iter().any(|it| it == tag);
            let is_needed = is_asked || required.iter().any(|it| it == tag);
            let decoded = Frame::decode(&without(&packet, tag)).map(drop);
            let wanted = if is_needed { Err(ProtocolError::MissingField(tag)) } else { Ok(()) };
            assert_eq!(decoded, wanted, "{} without field {tag}", layout.name);
        }
    }
}

#[test]
fn only_a_repeatable_field_may_be_there_twice() {
    for (layout, frame) in all_frames() {
        let packet = frame.encode();
        for field in parts(&packet).0 {
            let is_repeatable = layout.fields.repeatable.iter().any(|tag| tag == field[0]);
            let decoded = Frame::decode(&with_field(&packet, field)).map(drop);
            let error = Err(ProtocolError::RepeatedField(field[0]));
            let wanted = if is_repeatable { Ok(()) } else { error };
            assert_eq!(decoded, wanted, "{} with field {} twice", layout.name, field[0]);
        }
    }
}

#[test]
fn a_field_that_a_frame_does_not_use_is_skipped() {
    for (layout, frame) in all_frames() {
        let unused = |tag: &u8| !used(layout.fields).any(|used| used == *tag);
        for tag in known().into_iter().filter(unused) {
            let packet = with_field(&frame.encode(), &[tag, 0]);
            assert_eq!(Frame::decode(&packet), Ok(frame.clone()), "{} with {tag}", layout.name);
        }
    }
}

#[test]
fn a_body_is_as_long_as_its_layout_says_at_most() {
    for (layout, frame) in frames(false) {
        let with_body = |length| {
            let packet = [&frame.encode()[..], &vec![7; length]].concat();
            Frame::decode(&packet.into()).map(drop)
        };
        let most = layout.body.max_len().min(1 << 20);
        assert_eq!(with_body(most), Ok(()), "{}", layout.name);
        let wanted = match layout.body {
            BodyKind::Nothing => Err(ProtocolError::UnexpectedBody),
            BodyKind::Detail => Err(ProtocolError::DetailTooLong),
            BodyKind::Description => Err(ProtocolError::DescriptionTooLong),
            BodyKind::Whole | BodyKind::Chunk | BodyKind::Packets => Ok(()),
        };
        assert_eq!(with_body(most + 1), wanted, "{}", layout.name);
    }
}

/// What the specification says of a field.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Use {
    Required,
    Optional,
    Repeatable,
    Asking,
}

/// The tags of the fields that a cell lists.
fn uses(cell: &str, tags: &BTreeMap<&str, u8>) -> BTreeSet<(Use, u8)> {
    let groups = spec::table("| in short | fields | meaning |");
    let of_item = |item: &str| {
        // Which flags there are is not part of a layout.
        let (item, _flags) = item.split_once(" with ").unwrap_or((item, ""));
        let name = item.trim_end_matches(['?', '*']);
        let how = match item.strip_prefix(name) {
            Some("?") => Use::Optional,
            Some("*") => Use::Repeatable,
            _ => Use::Required,
        };
        let Some(group) = groups.iter().find(|group| group[0] == name) else {
            let tag = tags.get(name).unwrap_or_else(|| panic!("{name:?} is no field"));
            return BTreeSet::from([(how, *tag)]);
        };
        let asked = |(it, tag)| match (how, it) {
            (Use::Optional, Use::Required) => (Use::Asking, tag),
            _ => (it, tag),
        };
        uses(group[1], tags).into_iter().map(asked).collect()
    };
    cell.split(", ").filter(|item| !item.is_empty()).flat_map(of_item).collect()
}

#[test]
fn every_layout_is_what_the_specification_says() {
    let tags = spec::table("| tag | field | value |");
    let tags: BTreeMap<_, _> =
        tags.iter().map(|row| (row[1], row[0].parse().expect("a number"))).collect();
    assert_eq!(sorted(tags.values().copied()), known());

    let rows = spec::table("| type | frame | fields | body | from, to | meaning |");
    assert_eq!(rows.len(), FRAMES.len());
    for (row, layout) in rows.iter().zip(FRAMES) {
        let [kind, name, fields, body, _path, _meaning] = row[..] else {
            panic!("a row has six cells: {row:?}");
        };
        assert_eq!((kind, name), (&*layout.kind.to_string(), layout.name));
        let with = |how| {
            let uses = uses(fields, &tags).into_iter();
            uses.filter(|(it, _)| *it == how).map(|(_, tag)| tag).collect::<Vec<_>>()
        };
        let FieldSet { required, optional, repeatable, asking } = layout.fields;
        assert_eq!(required.iter().collect::<Vec<_>>(), with(Use::Required), "{name}");
        assert_eq!(optional.iter().collect::<Vec<_>>(), with(Use::Optional), "{name}");
        assert_eq!(repeatable.iter().collect::<Vec<_>>(), with(Use::Repeatable), "{name}");
        assert_eq!(asking.iter().collect::<Vec<_>>(), with(Use::Asking), "{name}");
        let (what, most) = body.split_once(", at most ").unwrap_or((body, ""));
        let known = match what {
            "" => BodyKind::Nothing,
            "the whole body" => BodyKind::Whole,
            "bytes from OFFSET on" => BodyKind::Chunk,
            "the detail" => BodyKind::Detail,
            "the description" => BodyKind::Description,
            "packets, each after its length" => BodyKind::Packets,
            other => panic!("{other:?} says nothing of the body"),
        };
        assert_eq!(layout.body, known, "{name}");
        if !most.is_empty() {
            assert_eq!(format!("{} bytes", layout.body.max_len()), most.replace(',', ""), "{name}");
        }
    }
}
