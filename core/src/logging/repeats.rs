use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

/// Limits how often repeated events are logged.
///
/// The first event of a kind is to be logged at once. Those that follow within the interval are
/// counted, and logged together when it is over: by a caller of [`take_due`](Self::take_due), or
/// else with the next event of the kind. It has no clock, and keeps a kind for one interval.
///
/// ```
/// use std::time::{Duration, Instant};
///
/// use conduit::logging::{Noted, Repeats};
///
/// let (start, interval) = (Instant::now(), Duration::from_secs(10));
/// let mut repeats = Repeats::new(interval);
/// assert!(matches!(repeats.note(start, "full", 1, ()), Noted::Told(None)));
/// assert!(matches!(repeats.note(start, "full", 311, ()), Noted::Counted));
/// assert!(matches!(repeats.note(start, "full", 1, ()), Noted::Counted));
/// assert_eq!(repeats.next_due(), Some(start + interval));
/// let (_, repeated) = repeats.take_due(start + interval).pop().expect("it is over");
/// assert_eq!(repeated.to_string(), "and 312 more in 10 s");
/// ```
#[derive(Debug)]
pub struct Repeats<K, V = ()> {
    interval: Duration,
    kinds: BTreeMap<K, Repetitions<V>>,
}

#[derive(Debug)]
struct Repetitions<V> {
    told: Instant,
    more: u64,
    last: V,
}

/// What to do with an event.
///
/// ```
/// use std::time::{Duration, Instant};
///
/// use conduit::logging::{Noted, Repeats};
///
/// let mut repeats = Repeats::new(Duration::from_secs(10));
/// match repeats.note(Instant::now(), "a binding is full", 1, "orders") {
///     Noted::Told(None) => println!("orders: a binding is full"),
///     Noted::Told(Some(before)) => println!("orders: a binding is full, {before}"),
///     Noted::Counted => {}
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Noted<V> {
    /// Log it, and before it the repetitions that were counted and not logged.
    Told(Option<Repeated<V>>),
    /// It was counted, to be logged later with others.
    Counted,
}

/// The repetitions of an event since it was logged. Prints as `and 312 more in 10 s`.
///
/// ```
/// use std::time::Duration;
///
/// use conduit::logging::Repeated;
///
/// let repeated = Repeated { more: 312, over: Duration::from_secs(10), last: "orders" };
/// assert_eq!(repeated.to_string(), "and 312 more in 10 s");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Repeated<V> {
    /// The number of repetitions.
    pub more: u64,
    /// The time in which they happened.
    pub over: Duration,
    /// The value noted with the last of them.
    pub last: V,
}

impl<K: Ord, V> Repeats<K, V> {
    /// Creates an empty limiter; repetitions are due after `interval`.
    #[must_use]
    pub fn new(interval: Duration) -> Self {
        Self { interval, kinds: BTreeMap::new() }
    }

    /// Notes that an event has happened `count` times at once, and returns what to do with it.
    pub fn note(&mut self, now: Instant, kind: K, count: u64, value: V) -> Noted<V> {
        match self.kinds.get_mut(&kind) {
            Some(known) if now < known.told + self.interval => {
                known.more = known.more.saturating_add(count);
                known.last = value;
                Noted::Counted
            }
            _ => {
                // Keeps no more kinds than occur within an interval.
                self.kinds.retain(|_, it| it.more > 0 || now < it.told + self.interval);
                let before =
                    self.kinds.insert(kind, Repetitions { told: now, more: 0, last: value });
                Noted::Told(before.and_then(|before| before.repeated(now)))
            }
        }
    }

    /// Returns when the next counted repetitions are due, if there are any.
    #[must_use]
    pub fn next_due(&self) -> Option<Instant> {
        let counted = self.kinds.values().filter(|kind| kind.more > 0);
        counted.map(|kind| kind.told + self.interval).min()
    }

    /// Takes the repetitions that are due. The next event of these kinds is logged at once.
    pub fn take_due(&mut self, now: Instant) -> Vec<(K, Repeated<V>)> {
        let is_due = |kind: &Repetitions<V>| now >= kind.told + self.interval;
        let (due, rest) =
            std::mem::take(&mut self.kinds).into_iter().partition(|(_, it)| is_due(it));
        self.kinds = rest;
        repeated(due, now)
    }

    /// Takes all counted repetitions, due or not.
    pub fn take_all(&mut self, now: Instant) -> Vec<(K, Repeated<V>)> {
        repeated(std::mem::take(&mut self.kinds), now)
    }
}

fn repeated<K, V>(kinds: BTreeMap<K, Repetitions<V>>, now: Instant) -> Vec<(K, Repeated<V>)> {
    kinds.into_iter().filter_map(|(key, kind)| Some((key, kind.repeated(now)?))).collect()
}

impl<V> Repetitions<V> {
    fn repeated(self, now: Instant) -> Option<Repeated<V>> {
        let over = now.saturating_duration_since(self.told);
        (self.more > 0).then_some(Repeated { more: self.more, over, last: self.last })
    }
}

impl<V> std::fmt::Display for Repeated<V> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let seconds = self.over.as_millis().div_ceil(1000);
        write!(f, "and {} more in {seconds} s", self.more)
    }
}
