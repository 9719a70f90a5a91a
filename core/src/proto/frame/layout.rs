//! What each kind of frame consists of: the table in section 5 of `SPEC.md`.

use super::{
    Detail, MAX_DESCRIPTION, ProtocolError,
    wire::{kind, tag::*},
};

/// All kinds of frames, in the order of their numbers.
pub const FRAMES: [Layout; 19] = [
    layout(kind::MESSAGE, "Message", HEAD.and(ASKS), BodyKind::Whole),
    layout(
        kind::OFFER,
        "Offer",
        HEAD.and(ASKS).and(needs(&[MESSAGE, TARGET])).and(may_have(&[LENGTH])),
        BodyKind::Nothing,
    ),
    layout(
        kind::ACCEPT,
        "Accept",
        RECEIVER.and(needs(&[MESSAGE, TARGET, CREDIT])),
        BodyKind::Nothing,
    ),
    layout(kind::CONFIRM, "Confirm", needs(&[MESSAGE, PORT, NONCE]), BodyKind::Nothing),
    layout(kind::DATA, "Data", STREAM.and(needs(&[OFFSET])), BodyKind::Chunk),
    layout(kind::END, "End", STREAM.and(needs(&[LENGTH, CHECKSUM])), BodyKind::Nothing),
    layout(
        kind::CREDIT,
        "Credit",
        STREAM.and(RECEIVER).and(needs(&[OFFSET, CREDIT])).and(may_have(&[NONCE])),
        BodyKind::Nothing,
    ),
    layout(kind::PING, "Ping", STREAM, BodyKind::Nothing),
    layout(kind::RESET, "Reset", STREAM.and(REASON).and(may_have(&[PORT])), BodyKind::Nothing),
    layout(
        kind::STOP,
        "Stop",
        STREAM.and(RECEIVER).and(REASON).and(needs(&[TARGET])),
        BodyKind::Nothing,
    ),
    layout(kind::REPLY, "Reply", HEAD.and(needs(&[MESSAGE])), BodyKind::Whole),
    layout(
        kind::REPLY_STREAM,
        "ReplyStream",
        HEAD.and(needs(&[REQUEST, MESSAGE])).and(may_have(&[LENGTH])),
        BodyKind::Nothing,
    ),
    layout(
        kind::FAILURE,
        "Failure",
        REASON.and(needs(&[MESSAGE, INSTANCE, TARGET])).and(may_have(&[
            FLAGS,
            FAILURE_CODE,
            CONTENT_TYPE,
        ])),
        BodyKind::Detail,
    ),
    layout(kind::CANCEL, "Cancel", needs(&[MESSAGE]), BodyKind::Nothing),
    layout(kind::ALIVE, "Alive", needs(&[MESSAGE, INSTANCE, TARGET]), BodyKind::Nothing),
    layout(kind::PROBE, "Probe", needs(&[MESSAGE]), BodyKind::Nothing),
    layout(kind::BATCH, "Batch", NONE, BodyKind::Packets),
    layout(
        kind::DESCRIBE,
        "Describe",
        SOURCE.and(needs(&[MESSAGE, TIME_LEFT])).and(may_have(&[FLAGS])),
        BodyKind::Nothing,
    ),
    layout(kind::DESCRIPTION, "Description", SOURCE.and(needs(&[MESSAGE])), BodyKind::Description),
];

const SOURCE: FieldSet = needs(&[SERVICE, INSTANCE]);
const HEAD: FieldSet = SOURCE.and(may_have(&[CONTENT_TYPE, SEQUENCE])).and(may_repeat(&[HEADER]));
const ASKS: FieldSet = asks(&[FLAGS, MESSAGE, CREDIT]).and(may_have(&[TIME_LEFT]));
const STREAM: FieldSet = needs(&[MESSAGE]).and(may_have(&[FLAGS]));
const RECEIVER: FieldSet = needs(&[INSTANCE, PORT]);
const REASON: FieldSet = needs(&[CODE]).and(may_have(&[TEXT]));

/// The field that a packet may have more than once.
pub(super) const REPEATABLE: u8 = {
    let mut all = Tags::of(&[]);
    let mut at = 0;
    while at < FRAMES.len() {
        assert!(FRAMES[at].kind as usize == at + 1, "each stands where `Layout::of` finds it");
        all = all.union(FRAMES[at].fields.repeatable);
        at += 1;
    }
    assert!(all.0.is_power_of_two(), "a packet is read with one list of repeated fields");
    let [tag, ..] = all.0.trailing_zeros().to_le_bytes();
    tag
};

/// What the frames of one kind consist of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// The number that encodes the kind in a packet.
    pub kind: u8,
    /// The name in `SPEC.md`.
    pub name: &'static str,
    /// The fields of the header. A known field that is not among them is skipped.
    pub fields: FieldSet,
    /// What follows the header.
    pub body: BodyKind,
}

/// Fields that stand together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FieldSet {
    /// Those that are always there.
    pub required: Tags,
    /// Those that may be missing.
    pub optional: Tags,
    /// Those that may be missing, and may occur more than once.
    pub repeatable: Tags,
    /// Those that are there if the frame asks for a reply.
    pub asking: Tags,
}

/// A set of tags.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tags(u32);

/// What follows the header of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyKind {
    /// Nothing.
    Nothing,
    /// The whole body of a message.
    Whole,
    /// The bytes of a body from an offset on.
    Chunk,
    /// The encoded value of a [`Detail`].
    Detail,
    /// Packets, each after its length.
    Packets,
    /// The text of a [`Frame::Description`](super::Frame::Description).
    Description,
}

impl Layout {
    /// Returns what the frames with this number consist of.
    #[inline(always)]
    pub(super) fn of(kind: u8) -> Option<&'static Self> {
        FRAMES.get(usize::from(kind).wrapping_sub(1))
    }
}

impl FieldSet {
    const fn and(self, other: Self) -> Self {
        Self {
            required: self.required.union(other.required),
            optional: self.optional.union(other.optional),
            repeatable: self.repeatable.union(other.repeatable),
            asking: self.asking.union(other.asking),
        }
    }
}

impl Tags {
    const fn of(tags: &[u8]) -> Self {
        let (mut bits, mut at) = (0, 0);
        while at < tags.len() {
            bits |= 1 << tags[at];
            at += 1;
        }
        Self(bits)
    }

    /// Returns the tags that are in one of the sets, or in both.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Returns the tags, lowest first.
    pub fn iter(self) -> impl Iterator<Item = u8> {
        (0..).take(COUNT).filter(move |tag| self.0 & 1 << tag != 0)
    }
}

impl BodyKind {
    /// Returns the maximum length, in bytes. The transport's maximum packet length limits it too.
    #[must_use]
    pub const fn max_len(self) -> usize {
        match self {
            Self::Nothing => 0,
            Self::Whole | Self::Chunk | Self::Packets => usize::MAX,
            Self::Detail => Detail::MAX_VALUE,
            Self::Description => MAX_DESCRIPTION,
        }
    }

    /// Checks the length of a body.
    pub(super) fn check(self, length: usize) -> Result<(), ProtocolError> {
        match self {
            _ if length <= self.max_len() => Ok(()),
            Self::Detail => Err(ProtocolError::DetailTooLong),
            Self::Description => Err(ProtocolError::DescriptionTooLong),
            _ => Err(ProtocolError::UnexpectedBody),
        }
    }
}

const fn layout(kind: u8, name: &'static str, fields: FieldSet, body: BodyKind) -> Layout {
    Layout { kind, name, fields, body }
}

const NONE: FieldSet = {
    let none = Tags::of(&[]);
    FieldSet { required: none, optional: none, repeatable: none, asking: none }
};

const fn needs(tags: &[u8]) -> FieldSet {
    FieldSet { required: Tags::of(tags), ..NONE }
}

const fn may_have(tags: &[u8]) -> FieldSet {
    FieldSet { optional: Tags::of(tags), ..NONE }
}

const fn may_repeat(tags: &[u8]) -> FieldSet {
    FieldSet { repeatable: Tags::of(tags), ..NONE }
}

const fn asks(tags: &[u8]) -> FieldSet {
    FieldSet { asking: Tags::of(tags), ..NONE }
}
