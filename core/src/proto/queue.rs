#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, VecDeque},
    time::Instant,
};

use crate::InstanceId;

/// The queue of messages that wait in one binding.
///
/// The messages of one sender leave in the order in which they arrived. An offered message that is
/// not confirmed blocks later messages of the same sender, and no others. Of the messages that are
/// not blocked, the one that arrived first is next. A call takes time for the messages that it
/// takes or releases, and at most logarithmic time in the number of those that stay.
///
/// # Run loop
/// - [`push`](Self::push) each message that arrives. For an offered message, call
///   [`confirm`](Self::confirm) or [`remove`](Self::remove) once its sender has decided.
/// - [`pop`](Self::pop) after each of these until it returns `None`.
/// - [`take_requests`](Self::take_requests) at
///   [`oldest_whole_request`](Self::oldest_whole_request) plus the time that a request may wait.
///
/// An unknown place is ignored, as is the place of a message that has left.
#[derive(Debug)]
pub struct Queue<T> {
    limit: usize,
    bytes_limit: u64,
    next: u64,
    count: usize,
    bytes: u64,
    /// One-way messages that were not blocked on arrival.
    one_way: VecDeque<Entry<T>>,
    /// Whole requests that were not blocked on arrival.
    requests: VecDeque<Entry<T>>,
    /// Messages that are no longer blocked, since an earlier one was confirmed or removed.
    released: BTreeMap<u64, Entry<T>>,
    /// For each sender with an unconfirmed message: that message, and all that arrived after it.
    held: BTreeMap<InstanceId, BTreeMap<u64, HeldEntry<T>>>,
    /// Whole requests among those that are released or held, with their senders.
    late_requests: BTreeMap<u64, (InstanceId, Instant)>,
    /// Streamed requests, which are released or held.
    streamed_requests: BTreeMap<u64, Instant>,
}

/// The properties of a message that a queue needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Label {
    /// The sender.
    pub sender: InstanceId,
    /// The number of bytes that it holds while it waits.
    pub bytes: u64,
    /// The arrival time, if it is a request.
    pub request: Option<Instant>,
    /// Whether its body is streamed, so that it waits until its sender has confirmed it.
    pub offered: bool,
}

/// The place of a message in a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    sender: InstanceId,
    number: u64,
}

#[derive(Debug)]
struct Entry<T> {
    number: u64,
    bytes: u64,
    since: Option<Instant>,
    item: T,
}

#[derive(Debug)]
struct HeldEntry<T> {
    entry: Entry<T>,
    /// Whether it waits for the confirmation of its sender.
    is_open: bool,
}

impl<T> Queue<T> {
    /// Creates a queue with a limit of messages and of bytes.
    #[must_use]
    pub const fn new(messages: usize, bytes: u64) -> Self {
        Self {
            limit: messages,
            bytes_limit: bytes,
            next: 0,
            count: 0,
            bytes: 0,
            one_way: VecDeque::new(),
            requests: VecDeque::new(),
            released: BTreeMap::new(),
            held: BTreeMap::new(),
            late_requests: BTreeMap::new(),
            streamed_requests: BTreeMap::new(),
        }
    }

    /// Returns the number of messages that wait.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.count
    }

    /// Returns whether no message waits.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Returns the number of bytes that wait.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Returns how many more messages there is room for, if their bytes fit.
    #[must_use]
    pub const fn room(&self) -> usize {
        self.limit.saturating_sub(self.count)
    }

    /// Returns how many more bytes there is room for.
    #[must_use]
    pub const fn free_bytes(&self) -> u64 {
        self.bytes_limit.saturating_sub(self.bytes)
    }

    /// Returns whether there is room for a message of `bytes`. An empty queue has room for one of
    /// any size.
    #[must_use]
    pub const fn has_room(&self, bytes: u64) -> bool {
        let fits = self.bytes.saturating_add(bytes) <= self.bytes_limit;
        self.count < self.limit && (fits || self.count == 0)
    }

    /// Appends a message.
    ///
    /// # Errors
    /// The message, if there is no room for it.
    pub fn push(&mut self, label: Label, item: T) -> Result<Place, T> {
        if !self.has_room(label.bytes) {
            return Err(item);
        }
        let Label { sender, bytes, request, offered } = label;
        let number = self.next;
        self.next += 1;
        self.count += 1;
        self.bytes += bytes;
        let entry = Entry { number, bytes, since: request, item };
        if offered || (!self.held.is_empty() && self.held.contains_key(&sender)) {
            match request {
                Some(since) if offered => drop(self.streamed_requests.insert(number, since)),
                Some(since) => drop(self.late_requests.insert(number, (sender, since))),
                None => {}
            }
            let after = self.held.entry(sender).or_default();
            after.insert(number, HeldEntry { entry, is_open: offered });
        } else if request.is_some() {
            self.requests.push_back(entry);
        } else {
            self.one_way.push_back(entry);
        }
        Ok(Place { sender, number })
    }

    /// Notes that the sender of an offered message has confirmed it.
    pub fn confirm(&mut self, place: Place) {
        let after = self.held.get_mut(&place.sender);
        if let Some(held) = after.and_then(|after| after.get_mut(&place.number)) {
            held.is_open = false;
            self.release(place.sender);
        }
    }

    /// Removes an offered message that will not be confirmed.
    pub fn remove(&mut self, place: Place) -> Option<T> {
        let held = self.held.get_mut(&place.sender)?.remove(&place.number)?;
        self.release(place.sender);
        Some(self.forget(held.entry))
    }

    /// Takes the next message that is not blocked.
    pub fn pop(&mut self) -> Option<T> {
        let number = |entry: Option<&Entry<T>>| entry.map_or(u64::MAX, |entry| entry.number);
        let one_way = number(self.one_way.front());
        let request = number(self.requests.front());
        let released = number(self.released.values().next());
        let entry = if released < one_way.min(request) {
            self.released.pop_first()?.1
        } else {
            let queue = if one_way < request { &mut self.one_way } else { &mut self.requests };
            let entry = queue.pop_front()?;
            release(queue);
            entry
        };
        Some(self.forget(entry))
    }

    /// Returns the arrival time of the oldest request that waits.
    #[must_use]
    pub fn oldest_request(&self) -> Option<Instant> {
        let streamed = self.streamed_requests.values().next().copied();
        self.oldest_whole_request().into_iter().chain(streamed).min()
    }

    /// Returns the arrival time of the oldest request of one packet that waits.
    #[must_use]
    pub fn oldest_whole_request(&self) -> Option<Instant> {
        let late = self.late_requests.values().next().map(|(_, since)| *since);
        let request = self.requests.front().and_then(|entry| entry.since);
        request.into_iter().chain(late).min()
    }

    /// Takes the requests of one packet that arrived at or before `by`.
    pub fn take_requests(&mut self, by: Instant) -> Vec<T> {
        let mut taken = Vec::new();
        while self.requests.front().is_some_and(|entry| entry.since <= Some(by)) {
            let Some(entry) = self.requests.pop_front() else { break };
            taken.push(self.forget(entry));
        }
        release(&mut self.requests);
        while let Some((number, (sender, since))) = self.late_requests.pop_first() {
            if since > by {
                self.late_requests.insert(number, (sender, since));
                break;
            }
            let released = self.released.remove(&number);
            let held = || Some(self.held.get_mut(&sender)?.remove(&number)?.entry);
            if let Some(entry) = released.or_else(held) {
                taken.push(self.forget(entry));
            }
        }
        taken
    }

    /// Takes all messages, in the order in which they arrived.
    pub fn drain(&mut self) -> Vec<T> {
        let held = std::mem::take(&mut self.held).into_values().flat_map(BTreeMap::into_values);
        let mut entries: Vec<_> = held.map(|held| held.entry).collect();
        entries.extend(self.one_way.drain(..));
        entries.extend(self.requests.drain(..));
        entries.extend(std::mem::take(&mut self.released).into_values());
        entries.sort_unstable_by_key(|entry| entry.number);
        entries.into_iter().map(|entry| self.forget(entry)).collect()
    }

    /// Releases the messages of a sender that are no longer blocked by an unconfirmed one.
    fn release(&mut self, sender: InstanceId) {
        let Some(after) = self.held.get_mut(&sender) else { return };
        while let Some(first) = after.first_entry().filter(|first| !first.get().is_open) {
            let entry = first.remove().entry;
            self.released.insert(entry.number, entry);
        }
        if after.is_empty() {
            self.held.remove(&sender);
        }
    }

    /// Updates the counts for an entry that was taken out.
    fn forget(&mut self, entry: Entry<T>) -> T {
        self.count -= 1;
        self.bytes -= entry.bytes;
        // Most are neither late nor streamed.
        if entry.since.is_some() && !self.late_requests.is_empty() {
            self.late_requests.remove(&entry.number);
        }
        if entry.since.is_some() && !self.streamed_requests.is_empty() {
            self.streamed_requests.remove(&entry.number);
        }
        entry.item
    }
}

/// Frees the memory of an empty queue that has grown in a burst.
fn release<T>(queue: &mut VecDeque<T>) {
    const KEPT: usize = 64;
    if queue.is_empty() && queue.capacity() > KEPT {
        *queue = VecDeque::new();
    }
}
