use std::sync::Arc;

use conduit::transport::{Packet, Target, Targets};
use event_listener::{Event, EventListener};

use crate::{queue::Queue, wakers::Wakers, way::Way};

/// The subscriptions to one subject, inbox or control address. The last two have no group.
#[derive(Default)]
pub(crate) struct Route {
    plain: Vec<Arc<Queue>>,
    group: Vec<Arc<Queue>>,
    /// The index of the member that is next.
    turn: usize,
    room: Arc<Event>,
}

/// The outcome of offering a packet.
pub(crate) enum Offer {
    /// It is in the queues of all its receivers.
    Taken,
    /// It has no receiver, and is returned.
    NoSubscriber(Packet),
    /// All its receivers are cut off; it is returned to be freed.
    Lost(Packet),
    /// A receiver has no room, so the packet is in no queue and is returned; the listener tells
    /// when to offer it again.
    Full(Packet, EventListener),
}

/// A receiver of a packet has no room.
struct Full;

impl Route {
    pub(crate) fn is_empty(&self) -> bool {
        self.plain.is_empty() && self.group.is_empty()
    }

    /// Adds a subscription at the end of its list.
    pub(crate) fn add(&mut self, target: Target, capacity: usize, way: &Arc<Way>) -> Arc<Queue> {
        let room = Arc::clone(&self.room);
        let queue = Arc::new(Queue::new(capacity, room, Arc::clone(way)));
        match target {
            Target::Plain => self.plain.push(Arc::clone(&queue)),
            Target::Group => self.group.push(Arc::clone(&queue)),
        }
        queue
    }

    pub(crate) fn remove(&mut self, queue: &Arc<Queue>) {
        self.plain.retain(|plain| !Arc::ptr_eq(plain, queue));
        if let Some(at) = self.group.iter().position(|member| Arc::ptr_eq(member, queue)) {
            self.group.remove(at);
            if at < self.turn {
                self.turn -= 1;
            }
        }
    }

    /// Delivers a packet to all its receivers, or to none: a publisher that gives up while it waits
    /// has published nothing.
    pub(crate) fn offer(&mut self, targets: Targets, packet: Packet, wakers: &mut Wakers) -> Offer {
        let member = match self.find_room(targets) {
            Ok(member) => member,
            Err(Full) => {
                let room = self.room.listen();
                // A queue may have been read before the listener existed.
                match self.find_room(targets) {
                    Ok(member) => member,
                    Err(Full) => return Offer::Full(packet, room),
                }
            }
        };
        let plain: &[_] = if targets.plain() { &self.plain } else { &[] };
        let plain = plain.iter().filter(|queue| queue.is_online());
        let known = plain.chain(member.map(|at| &self.group[at]));
        if let Some(at) = member {
            self.turn = at + 1;
        }
        let mut receivers = known.clone().filter(|queue| !queue.is_cut());
        let Some(last) = receivers.next_back() else {
            return match known.count() {
                0 => Offer::NoSubscriber(packet),
                _ => Offer::Lost(packet),
            };
        };
        for receiver in receivers {
            wakers.push(receiver, packet.clone());
        }
        wakers.push(last, packet);
        Offer::Taken
    }

    /// Checks that all plain receivers have room, and returns the member that a packet for the
    /// group goes to, if any: the first with room, from the one that is next. A full member is
    /// skipped while another has room. Disconnected subscriptions do not count.
    fn find_room(&self, targets: Targets) -> Result<Option<usize>, Full> {
        let full = |queue: &Arc<Queue>| queue.is_online() && !queue.has_room();
        if targets.plain() && self.plain.iter().any(full) {
            return Err(Full);
        }
        if !targets.group() {
            return Ok(None);
        }
        let members = self.group.len();
        let in_turn = (0..members).map(|step| (self.turn + step) % members);
        let mut online = in_turn.filter(|&at| self.group[at].is_online()).peekable();
        if online.peek().is_none() {
            return Ok(None);
        }
        online.find(|&at| self.group[at].has_room()).map(Some).ok_or(Full)
    }
}
