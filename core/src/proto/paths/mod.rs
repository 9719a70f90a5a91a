//! Limits what is on the way to the receivers of all bodies.

mod late;
mod path;
mod window;

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use self::{
    path::{PATIENCE, Path},
    window::Window,
};
use super::{clock::later, frame::StreamId};
use crate::InstanceId;

/// The limits of [`Paths`].
#[derive(Debug, Clone, Copy)]
pub struct PathLimits {
    /// The most bytes of a body in one packet.
    pub chunk: u64,
    /// How long a path is remembered after it was used.
    pub remembered: Duration,
}

/// What is on the way to the receivers of all outgoing bodies of a conduit: sent, and not
/// acknowledged as received.
///
/// Each instance has a path, whose window all bodies for it share, and all paths share the way to the
/// broker, which has a window too. Windows follow the delay: see `SPEC.md`. A body that finds no room
/// waits for its turn, and is woken.
///
/// # Run loop
/// - Pass it to the [`Outbound`](super::Outbound)s of the conduit.
/// - After each of their calls that takes it, drive the streams that
///   [`poll_woken`](Self::poll_woken) returns.
/// - Call [`expire`](Self::expire) from time to time.
#[derive(Debug)]
pub struct Paths {
    limits: PathLimits,
    /// The way to the broker.
    uplink: Option<Path>,
    paths: BTreeMap<InstanceId, Path>,
    woken: Vec<StreamId>,
}

/// A place where streams wait: the way to an instance, or to the broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Way {
    Uplink,
    To(InstanceId),
}

/// What a body has on the way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Flight {
    pub(super) bytes: u64,
    /// The part of them that is for receivers which have not repeated their nonce.
    pub(super) unproven: u64,
}

/// What has arrived at a receiver.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct News {
    /// It was heard from.
    pub(super) is_any: bool,
    /// When it was sent what it has answered, if that is known otherwise than by a round trip.
    pub(super) answered: Option<Instant>,
    /// How many bytes it has acknowledged.
    pub(super) bytes: u64,
    pub(super) round_trip: Option<RoundTrip>,
}

/// How long a chunk took, there and back.
#[derive(Debug, Clone, Copy)]
pub(super) struct RoundTrip {
    pub(super) time: Duration,
    /// Little was on the way to the broker when it was sent.
    pub(super) is_light: bool,
}

impl Default for PathLimits {
    fn default() -> Self {
        Self { chunk: 16 << 10, remembered: Duration::from_secs(10) }
    }
}

impl Default for Paths {
    fn default() -> Self {
        Self::new(PathLimits::default())
    }
}

impl Paths {
    /// The number of chunks in the first window of a path, and of the way to the broker.
    const FIRST: (u64, u64) = (4, 8);
    /// The number of paths that are remembered without being in use.
    const REMEMBERED: usize = 1024;

    /// Creates it without any path.
    #[must_use]
    pub const fn new(limits: PathLimits) -> Self {
        Self { limits, uplink: None, paths: BTreeMap::new(), woken: Vec::new() }
    }

    /// Returns a stream that has room now. Its
    /// [`poll_transmit`](super::Outbound::poll_transmit) is to be called.
    pub fn poll_woken(&mut self) -> Option<StreamId> {
        self.woken.pop()
    }

    /// Forgets what was not in use for long.
    pub fn expire(&mut self, now: Instant) {
        let remembered = self.limits.remembered;
        self.paths.retain(|_, path| !path.is_idle() || now < later(path.used, remembered));
        self.uplink.take_if(|path| path.is_idle() && now >= later(path.used, remembered));
    }

    /// Returns when the last path that is not in use now is forgotten, if none is used again.
    #[must_use]
    pub fn last_expiry(&self) -> Option<Instant> {
        let paths = self.paths.values().chain(&self.uplink).filter(|path| path.is_idle());
        paths.map(|path| later(path.used, self.limits.remembered)).max()
    }

    /// Returns whether no path is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.paths.is_empty() && self.uplink.is_none()
    }

    /// Returns whether so little is on the way to the broker that nothing waits for it.
    pub(super) fn is_light(&self) -> bool {
        self.uplink.as_ref().is_none_or(|path| path.is_light(2 * self.limits.chunk))
    }

    /// Returns after how long a stream that waits asks again, although it was not woken.
    pub(super) const fn patience() -> Duration {
        PATIENCE
    }

    fn path(&mut self, now: Instant, way: Way) -> &mut Path {
        let chunk = self.limits.chunk;
        let (first, first_of_all) = Self::FIRST;
        match way {
            Way::Uplink => self
                .uplink
                .get_or_insert_with(|| Path::new(now, Window::of_all(chunk, first_of_all))),
            Way::To(instance) => {
                if self.paths.len() >= Self::REMEMBERED && !self.paths.contains_key(&instance) {
                    self.forget_oldest();
                }
                let new = || Path::new(now, Window::of_path(chunk, first));
                self.paths.entry(instance).or_insert_with(new)
            }
        }
    }

    fn forget_oldest(&mut self) {
        let idle = self.paths.iter().filter(|(_, path)| path.is_idle());
        let oldest = idle.min_by_key(|(_, path)| path.used).map(|(instance, _)| *instance);
        oldest.and_then(|instance| self.paths.remove(&instance));
    }

    /// Returns whether a stream may send a chunk to instances, in one packet. If not, returns where
    /// it waits for its turn, or `None` if it waits until receivers are proven, which may have less
    /// room than the others.
    ///
    /// Where it is its turn, or no other stream waits, there has to be room. Elsewhere it is enough that
    /// there is not more on the way than should be: otherwise a stream for several instances would
    /// wait until there is room at all of them in the same moment.
    ///
    /// A stream that does not use its turn [leaves](Self::leave) when it has nothing else to send. If
    /// it passed its turn on before, two streams for several instances could pass it to each other
    /// without end.
    pub(super) fn may_send(
        &mut self,
        now: Instant,
        stream: StreamId,
        to: &(impl Iterator<Item = InstanceId> + Clone),
        length: u64,
        is_proven: bool,
    ) -> Result<(), Option<Way>> {
        let ways = || std::iter::once(Way::Uplink).chain(to.clone().map(Way::To));
        let (mut is_called, mut over, mut not_free) = (false, None, None);
        for way in ways() {
            self.call(now, way);
            let path = self.path(now, way);
            if !is_proven && !path.has_room_for_unproven(length) {
                return Err(None);
            }
            let has_turn = path.is_called(stream);
            is_called |= has_turn;
            if path.is_over(now) {
                over = over.or(Some(way));
            }
            if !has_turn && !path.is_free(now, length) {
                not_free = not_free.or(Some(way));
            }
        }
        match over.or(not_free.filter(|_| !is_called)) {
            None => Ok(()),
            Some(place) => {
                self.path(now, place).wait(stream);
                Err(Some(place))
            }
        }
    }

    /// Notes that a stream does not wait any more: it has sent a chunk, or has none to send.
    pub(super) fn leave(&mut self, now: Instant, way: Way, stream: StreamId) {
        self.path(now, way).leave(stream);
        self.call(now, way);
    }

    /// Wakes the stream whose turn it is.
    fn call(&mut self, now: Instant, way: Way) {
        let chunk = self.limits.chunk;
        if let Some(stream) = self.path(now, way).call(now, chunk) {
            self.woken.push(stream);
        }
    }

    /// Changes what a stream has on the way.
    pub(super) fn change(&mut self, now: Instant, way: Way, from: Flight, to: Flight) {
        if from == to {
            return;
        }
        self.path(now, way).change(now, from, to);
        if to.bytes < from.bytes {
            self.call(now, way);
        }
    }

    /// Notes what has arrived at an instance.
    pub(super) fn acked(&mut self, now: Instant, instance: InstanceId, news: News) {
        let path = self.path(now, Way::To(instance));
        path.heard = Some(now);
        path.answered = path.answered.max(news.answered);
        let delay = news.round_trip.and_then(|trip| path.answered(now, trip));
        let is_known = path.is_known;
        if news.bytes > 0 {
            path.acked(now, news.bytes);
        }
        let uplink = self.path(now, Way::Uplink);
        if let Some(trip) = news.round_trip
            && let Some(sent) = now.checked_sub(trip.time)
        {
            // Where a path was never seen but behind others, its own quickest round trip has that
            // delay in it.
            let longer = uplink.compare(now, trip.time);
            let delay = if is_known { delay } else { Some(longer) };
            delay.into_iter().for_each(|delay| uplink.window.delayed(now, sent, delay));
        }
        if news.bytes > 0 {
            uplink.acked(now, news.bytes);
        }
        self.call(now, Way::To(instance));
        self.call(now, Way::Uplink);
    }

    /// Notes that what was on the way to an instance is lost.
    pub(super) fn lost(&mut self, now: Instant, instance: InstanceId) {
        if let Some(path) = self.paths.get_mut(&instance) {
            path.lost(now);
        }
    }
}

#[cfg(test)]
mod tests;
