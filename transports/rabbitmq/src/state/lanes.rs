//! What is published, and what the server says to it.
//!
//! A publish that is not permitted closes its channel, and whatever is under way on that is lost. So
//! what is known to be permitted has a channel of its own, apart from what a caller waits for to know,
//! one at a time, and from what goes to inboxes of which it is not known.

mod said;

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use conduit::transport::Token;

use super::{Answer, News, Phase, Side, State, Waiting};
use crate::{
    frame::MAX_FRAME,
    method::{self, Content},
};

/// How many bytes may wait to be written.
const MOST_UNWRITTEN: usize = 256 << 10;

/// How many packets of a lane may wait to be confirmed. More would only wait at the server, in front of
/// what is published next.
const MOST_UNSETTLED: usize = 1 << 11;

const LANES: usize = 3;

/// A channel of the publishing connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lane {
    /// For what is permitted.
    Sure,
    /// For one packet whose sender waits to know whether it is permitted.
    Asking,
    /// For packets to inboxes of which it is not known.
    Unsure,
}

/// Why a packet is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    Disconnected,
    /// Until something was written or confirmed, or the server takes packets again.
    Full,
    Ended,
}

/// A packet on its way out.
pub(crate) struct Outgoing<'a> {
    /// The publishing method of each lane.
    pub(crate) heads: &'a Heads,
    pub(crate) packet: &'a [u8],
    /// The name of the inbox that is told if it was not delivered.
    pub(crate) undelivered: Option<(Arc<str>, Token)>,
    pub(crate) lane: Lane,
    /// Where it goes, if it is not known to be permitted.
    pub(crate) unsure: Option<Unsure>,
    /// A caller waits for the confirmation.
    pub(crate) answer: Option<Answer>,
}

/// How a packet is published to one key: the methods, and how errors name it.
#[derive(Debug)]
pub(crate) struct Heads {
    pub(crate) exchange: Arc<str>,
    pub(crate) name: Arc<str>,
    pub(crate) place: Box<str>,
    /// By lane, and whether a notice is wanted.
    heads: [[Vec<u8>; 2]; LANES],
}

/// A place that is not known to be permitted: which, by what name, and when that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unsure {
    pub(crate) place: Box<str>,
    pub(crate) name: Arc<str>,
    pub(crate) generation: u64,
}

#[derive(Default)]
pub(super) struct Lanes {
    lanes: [Unsettled; LANES],
    /// How many packets of each place are under way on another lane than `Sure`.
    unsure: HashMap<Box<str>, (usize, u64)>,
    /// Callers that wait until all was processed that was sent before.
    marks: VecDeque<Answer>,
    /// The longest piece of a packet in one frame.
    frame: usize,
    /// How many packets wait to be written, and how many were ever given and have left.
    packets: u64,
    pub(super) given: u64,
    pub(super) written: u64,
    pub(super) blocked: bool,
}

/// The packets of a lane that are not confirmed.
#[derive(Default)]
struct Unsettled {
    /// The number of the first.
    first: u64,
    packets: VecDeque<Published>,
}

struct Published {
    name: Arc<str>,
    settled: bool,
    undelivered: Option<(Arc<str>, Token)>,
    unsure: Option<Unsure>,
    answer: Option<Answer>,
    /// Callers that wait until all up to this one are confirmed.
    marks: Vec<Answer>,
}

impl Lane {
    const ALL: [Self; LANES] = [Self::Sure, Self::Asking, Self::Unsure];

    fn channel(self) -> u16 {
        self as u16 + 1
    }

    fn of(channel: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|lane| lane.channel() == channel)
    }
}

impl Heads {
    pub(crate) fn new(exchange: Arc<str>, key: &str, name: Arc<str>, place: Box<str>) -> Self {
        let heads = Lane::ALL.map(|lane| {
            [false, true].map(|told| method::publish(lane.channel(), &exchange, key, told))
        });
        Self { exchange, name, place, heads }
    }
}

impl Lanes {
    pub(super) fn take_packets(&mut self) -> u64 {
        std::mem::take(&mut self.packets)
    }

    /// Packets to one place take one lane at a time, so that they stay in order.
    fn is_free(&self, lane: Lane, place: &str) -> bool {
        let others = self.unsure.get(place).is_some_and(|(other, _)| *other != lane as usize);
        let asking = lane == Lane::Asking && !self.lanes[lane as usize].packets.is_empty();
        !others && !asking && self.lanes[lane as usize].packets.len() < MOST_UNSETTLED
    }

    fn settle_unsure(&mut self, place: &str) {
        if let Some((_, count)) = self.unsure.get_mut(place) {
            *count -= 1;
            if *count == 0 {
                self.unsure.remove(place);
            }
        }
    }
}

impl State {
    /// Takes a packet, if it can be written soon.
    pub(crate) fn publish(&mut self, outgoing: Outgoing<'_>) -> Result<(), Refused> {
        match self.phase {
            Phase::Connected => {}
            Phase::Restoring | Phase::Disconnected => return Err(Refused::Disconnected),
            Phase::Ended => return Err(Refused::Ended),
        }
        let Outgoing { heads, packet, undelivered, lane, unsure, answer } = outgoing;
        if !self.has_room(lane, heads) {
            return Err(Refused::Full);
        }
        let lanes = &mut self.lanes;
        if unsure.is_some() {
            lanes.unsure.entry(heads.place.clone()).or_insert((lane as usize, 0)).1 += 1;
        }
        let unsettled = &mut lanes.lanes[lane as usize];
        let number = unsettled.first + unsettled.packets.len() as u64;
        let told = undelivered.is_some();
        unsettled.packets.push_back(Published {
            name: Arc::clone(&heads.name),
            settled: false,
            undelivered,
            unsure,
            answer,
            marks: Vec::new(),
        });
        let out = &mut self.out[Side::Publishing as usize];
        out.extend_from_slice(&heads.heads[lane as usize][usize::from(told)]);
        let correlation = told.then_some(number);
        Content { channel: lane.channel(), packet, correlation }.write(out, lanes.frame);
        lanes.packets += 1;
        lanes.given += 1;
        Ok(())
    }

    /// Returns whether a packet would be taken while there is a connection.
    pub(crate) fn has_room(&self, lane: Lane, heads: &Heads) -> bool {
        self.takes_packets()
            && self.lanes.is_free(lane, &heads.place)
            && self.is_there(&heads.exchange)
    }

    /// Returns whether packets are taken at all.
    pub(crate) fn takes_packets(&self) -> bool {
        !self.lanes.blocked && self.out[Side::Publishing as usize].len() < MOST_UNWRITTEN
    }

    pub(crate) fn is_blocked(&self) -> bool {
        self.lanes.blocked
    }

    /// Waits for the server's word on all that was published before. Empty without a connection.
    pub(crate) fn marks(&mut self) -> Vec<Waiting> {
        if self.connection().is_none() {
            return Vec::new();
        }
        let mut marks = self.lane_marks();
        // Where nothing is under way, something is asked that changes nothing.
        let (answer, waiting) = Answer::new();
        self.lanes.marks.push_back(answer);
        marks.push(waiting);
        method::prefetch(&mut self.out[Side::Publishing as usize], Lane::Sure.channel(), 0);
        marks
    }

    /// Waits until all that is under way is confirmed.
    pub(crate) fn lane_marks(&mut self) -> Vec<Waiting> {
        let last = self.lanes.lanes.iter_mut().filter_map(|lane| lane.packets.back_mut());
        last.map(|last| {
            let (answer, waiting) = Answer::new();
            last.marks.push(answer);
            waiting
        })
        .collect()
    }

    pub(super) fn begin_lanes(&mut self, frame: usize) {
        self.lanes.frame = frame.clamp(1 << 10, MAX_FRAME) - 8;
        for lane in Lane::ALL {
            self.open_lane(lane);
        }
    }

    fn open_lane(&mut self, lane: Lane) {
        let out = &mut self.out[Side::Publishing as usize];
        method::open_channel(out, lane.channel());
        method::confirm_select(out, lane.channel());
        self.lanes.lanes[lane as usize] = Unsettled { first: 1, packets: VecDeque::new() };
    }

    pub(super) fn break_lanes(&mut self) {
        let Lanes { given, .. } = self.lanes;
        // Callers that wait for an answer learn that there will be none.
        self.lanes = Lanes { given, written: given, ..Lanes::default() };
    }
}
