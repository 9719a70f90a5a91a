//! What is on one way, and who waits to use it.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use super::{Flight, RoundTrip, window::Window};
use crate::proto::{clock::later, frame::StreamId};

/// How long a stream that is called may take to come. Its task may not be polled.
pub(super) const PATIENCE: Duration = Duration::from_millis(100);
/// After how long without an answer a chunk may be sent although none was acknowledged: a stream that
/// is not polled does not release what it has on the way.
const STALE: Duration = Duration::from_secs(1);
/// For how long at least the quickest round trip is remembered.
const QUICKEST_FOR: Duration = Duration::from_secs(30);

/// One way: to an instance, or to the broker.
#[derive(Debug)]
pub(super) struct Path {
    pub(super) window: Window,
    in_flight: u64,
    /// The part of it that is for receivers which may not exist.
    unproven: u64,
    queue: VecDeque<StreamId>,
    /// Whose turn it is, and since when.
    called: Option<(StreamId, Instant)>,
    /// When something was last sent or acknowledged.
    pub(super) used: Instant,
    /// When it was last heard from.
    pub(super) heard: Option<Instant>,
    /// When bytes were last acknowledged.
    pub(super) progressed: Option<Instant>,
    /// When that was sent which was sent last of all that was answered.
    pub(super) answered: Option<Instant>,
    /// The last round trip.
    pub(super) round_trip: Option<Duration>,
    /// The quickest round trips of this time and of the one before.
    quickest: Option<(Duration, Duration)>,
    since: Instant,
    /// The quickest one was measured while little was on the way to the broker.
    pub(super) is_known: bool,
}

impl Path {
    pub(super) fn new(now: Instant, window: Window) -> Self {
        Self {
            window,
            in_flight: 0,
            unproven: 0,
            queue: VecDeque::new(),
            called: None,
            used: now,
            heard: None,
            progressed: None,
            answered: None,
            round_trip: None,
            quickest: None,
            since: now,
            is_known: false,
        }
    }

    /// Returns whether nothing is on the way, and no stream waits.
    pub(super) fn is_idle(&self) -> bool {
        self.in_flight == 0 && self.queue.is_empty() && self.called.is_none()
    }

    pub(super) fn is_light(&self, bytes: u64) -> bool {
        self.in_flight <= bytes
    }

    fn is_stale(&self, now: Instant) -> bool {
        self.in_flight == 0 || now >= later(self.used, STALE)
    }

    /// Returns whether more is on the way than should be.
    pub(super) fn is_over(&self, now: Instant) -> bool {
        self.in_flight > self.window.size() && !self.is_stale(now)
    }

    /// Returns whether a chunk may be sent without waiting.
    pub(super) fn is_free(&self, now: Instant, length: u64) -> bool {
        self.queue.is_empty() && self.called.is_none() && self.has_room(now, length)
    }

    fn has_room(&self, now: Instant, length: u64) -> bool {
        self.in_flight.saturating_add(length) <= self.window.size() || self.is_stale(now)
    }

    /// Returns whether a chunk may be sent to a receiver that may not exist, and will then never
    /// acknowledge it. Together they take half of the window, so that the others go on.
    pub(super) fn has_room_for_unproven(&self, length: u64) -> bool {
        self.unproven == 0 || self.unproven.saturating_add(length) <= self.window.size() / 2
    }

    pub(super) fn is_called(&self, stream: StreamId) -> bool {
        self.called.is_some_and(|(called, _)| called == stream)
    }

    /// Adds a stream to the queue, once.
    pub(super) fn wait(&mut self, stream: StreamId) {
        if !self.is_called(stream) && !self.queue.contains(&stream) {
            self.queue.push_back(stream);
        }
    }

    /// Removes a stream from the queue.
    pub(super) fn leave(&mut self, stream: StreamId) {
        self.queue.retain(|waiting| *waiting != stream);
        self.called = self.called.filter(|(called, _)| *called != stream);
    }

    /// Calls the next stream, if there is room for a chunk. One that was called and does not come
    /// loses its turn.
    pub(super) fn call(&mut self, now: Instant, length: u64) -> Option<StreamId> {
        if self.called.is_some_and(|(_, since)| now >= later(since, PATIENCE)) {
            self.called = None;
        }
        if self.called.is_some() || !self.has_room(now, length) {
            return None;
        }
        let next = self.queue.pop_front()?;
        self.called = Some((next, now));
        Some(next)
    }

    /// Changes what one stream has on the way.
    pub(super) fn change(&mut self, now: Instant, from: Flight, to: Flight) {
        let changed = |all: u64, from, to| all.saturating_sub(from).saturating_add(to);
        self.in_flight = changed(self.in_flight, from.bytes, to.bytes);
        self.unproven = changed(self.unproven, from.unproven, to.unproven);
        if to.bytes > from.bytes {
            self.used = now;
            self.window.sent(self.in_flight);
        }
    }

    /// Notes that bytes have arrived.
    pub(super) fn acked(&mut self, now: Instant, bytes: u64) {
        self.used = now;
        self.progressed = Some(now);
        self.window.acked(bytes);
    }

    /// Notes that what was on the way is lost, or that it takes longer than was known.
    pub(super) fn lost(&mut self, now: Instant) {
        self.window.lost(now);
        self.round_trip = self.round_trip.map(|round_trip| round_trip.saturating_mul(2));
    }

    /// Notes a round trip. Returns the part of it that is a delay, if that can be told.
    pub(super) fn answered(&mut self, now: Instant, trip: RoundTrip) -> Option<Duration> {
        self.is_known |= trip.is_light;
        self.round_trip = Some(trip.time);
        let is_first = self.quickest.is_none();
        let delay = self.compare(now, trip.time);
        let sent = now.checked_sub(trip.time)?;
        self.answered = self.answered.max(Some(sent));
        if is_first {
            return self.window.began(trip.time).then_some(delay);
        }
        self.window.delayed(now, sent, delay);
        Some(delay)
    }

    /// Returns by how much a round trip exceeds the quickest of late.
    pub(super) fn compare(&mut self, now: Instant, time: Duration) -> Duration {
        let (this, before) = self.quickest.get_or_insert((time, time));
        if now >= later(self.since, QUICKEST_FOR) {
            (*before, *this, self.since) = (*this, time, now);
        }
        *this = time.min(*this);
        time - (*this).min(*before).min(time)
    }
}
