use std::sync::Arc;

use conduit::transport::{Packet, Target, Targets};
use event_listener::{Event, EventListener};

use crate::{queue::Queue, wakers::Wakers, way::Way};

/// Who is subscribed to one subject, inbox or control address. The last two have no group.
#[derive(Default)]
pub(crate) struct Route {
    plain: Vec<Arc<Queue>>,
    group: Vec<Arc<Queue>>,
    /// The index of the member whose turn it is.
    turn: usize,
    room: Arc<Event>,
}

/// What became of a packet.
pub(crate) enum Offer {
    /// It is in the queues of all whom it is for.
    Taken,
    /// It is for nobody, and comes back.
    Nobody(Packet),
    /// All whom it is for are cut off, and it comes back to be freed.
    Lost(Packet),
    /// One of those whom it is for has no room, so that it is in no queue and comes back; the
    /// listener says when to offer it again.
    Full(Packet, EventListener),
}

/// Somebody whom a packet is for has no room.
struct Full;

impl Route {
    pub(crate) fn is_empty(&self) -> bool {
        self.plain.is_empty() && self.group.is_empty()
    }

    /// A new subscription, the last in its list.
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

    /// Gives a packet to all whom it is for, or to none of them: a publisher that gives up while it
    /// waits has published nothing.
    pub(crate) fn offer(&mut self, targets: Targets, packet: Packet, wakers: &mut Wakers) -> Offer {
        let member = match self.find_room(targets) {
            Ok(member) => member,
            Err(Full) => {
                let room = self.room.listen();
                // A queue that was read before we listened has told nobody.
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
                0 => Offer::Nobody(packet),
                _ => Offer::Lost(packet),
            };
        };
        for receiver in receivers {
            wakers.add(receiver.push(packet.clone()));
        }
        wakers.add(last.push(packet));
        Offer::Taken
    }

    /// The member that a packet goes to, if it is for the group and there is one: the first with
    /// room, from the one whose turn it is. A full member holds nobody up while another has room.
    /// Whoever is disconnected does not count.
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
