use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use bytes::Bytes;
use conduit::transport::{
    Address, Packet, Target, Targets, Token, TransportError, TransportErrorKind,
};
use event_listener::EventListener;

use crate::{queue::Queue, route::Offer, routes::Routes, wakers::Wakers};

/// What all connections share.
///
/// Lock order: the broker's state, then a queue. Wakers run, and packets are freed, under neither.
pub(crate) struct Broker {
    pub(crate) max_packet_len: usize,
    subscription_capacity: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    routes: Routes,
    /// Every subscription that was not dropped, in the order they were made.
    subscriptions: BTreeMap<u64, Subscribed>,
    last_connection: u64,
    last_subscription: u64,
}

struct Subscribed {
    connection: u64,
    at: Address,
    queue: Arc<Queue>,
    /// Not left, and its connection not closed.
    routed: bool,
}

/// One user of the broker.
pub(crate) struct Connection {
    pub(crate) id: u64,
    /// Changes under the broker's lock only.
    closed: AtomicBool,
}

/// What became of a publish.
pub(crate) enum Published {
    Yes,
    /// A queue is full. Try again with the packet when the listener says so.
    Wait(Bytes, EventListener),
}

impl Broker {
    pub(crate) fn new(max_packet_len: usize, subscription_capacity: usize) -> Self {
        Self {
            max_packet_len,
            subscription_capacity,
            state: Mutex::default(),
        }
    }

    pub(crate) fn connect(&self) -> Connection {
        let mut state = self.lock();
        state.last_connection += 1;
        Connection {
            id: state.last_connection,
            closed: AtomicBool::new(false),
        }
    }

    /// Routes a packet, or the notice that it is for nobody. Every packet comes through here, so
    /// this is the place to lose, repeat or hold one back on purpose.
    pub(crate) fn publish(
        &self,
        from: &Connection,
        to: &Address,
        packet: Bytes,
        undelivered: Option<(&Address, Token)>,
    ) -> Result<Published, TransportError> {
        let mut wakers = Wakers::default();
        let mut state = self.lock();
        from.check_open()?;
        if packet.len() > self.max_packet_len {
            return Err(TransportErrorKind::TooLarge.into());
        }
        let offer = match (
            state.routes.offer(to, Packet::Data(packet), &mut wakers),
            undelivered,
        ) {
            (Offer::Nobody(packet), Some((inbox, token))) => {
                match state
                    .routes
                    .offer(inbox, Packet::Undelivered(token), &mut wakers)
                {
                    Offer::Full(_, room) => Offer::Full(packet, room),
                    Offer::Taken | Offer::Nobody(_) => Offer::Nobody(packet),
                }
            }
            (offer, _) => offer,
        };
        drop(state);
        wakers.wake();
        Ok(match offer {
            Offer::Full(Packet::Data(packet), room) => Published::Wait(packet, room),
            _ => Published::Yes,
        })
    }

    pub(crate) fn subscribe(
        &self,
        from: &Connection,
        at: &Address,
    ) -> Result<(u64, Arc<Queue>), TransportError> {
        let target = match at {
            Address::Subject {
                targets: Targets::Both,
                ..
            } => {
                let reason = "a subscription is plain or a member of the group, not both";
                return Err(TransportError::new(TransportErrorKind::Other, reason));
            }
            Address::Subject {
                targets: Targets::Group,
                ..
            } => Target::Group,
            _ => Target::Plain,
        };
        let mut state = self.lock();
        from.check_open()?;
        if matches!(at, Address::Inbox { .. }) && state.routes.contains(at) {
            let reason = "another subscription has this inbox";
            return Err(TransportError::new(TransportErrorKind::Denied, reason));
        }
        let queue = state.routes.add(at, target, self.subscription_capacity);
        state.last_subscription += 1;
        let id = state.last_subscription;
        let subscribed = Subscribed {
            connection: from.id,
            at: at.clone(),
            queue: Arc::clone(&queue),
            routed: true,
        };
        state.subscriptions.insert(id, subscribed);
        drop(state);
        // Those who wait for room in a full group have a new member.
        queue.wake_publishers();
        Ok((id, queue))
    }

    /// Routes nothing more to a subscription, and lets it end.
    pub(crate) fn leave(&self, id: u64) {
        let Some(queue) = self.lock().unroute(id) else {
            return;
        };
        queue.end();
        queue.wake_publishers();
    }

    /// The subscription is gone.
    pub(crate) fn forget(&self, id: u64) {
        self.leave(id);
        let subscribed = self.lock().subscriptions.remove(&id);
        drop(subscribed);
    }

    pub(crate) fn close(&self, connection: &Connection) {
        let mut state = self.lock();
        connection.closed.store(true, Ordering::Relaxed);
        let own = state
            .subscriptions
            .iter()
            .filter(|(_, its)| its.connection == connection.id);
        let own: Vec<_> = own.map(|(&id, its)| (id, Arc::clone(&its.queue))).collect();
        for (id, _) in &own {
            state.unroute(*id);
        }
        let all: Vec<_> = state
            .subscriptions
            .values()
            .map(|its| Arc::clone(&its.queue))
            .collect();
        drop(state);
        own.iter().for_each(|(_, queue)| queue.clear());
        // A publish of this connection may wait at any of them: it has to find itself closed.
        all.iter().for_each(|queue| queue.wake_publishers());
    }

    pub(crate) fn subscriptions(&self) -> usize {
        self.lock()
            .subscriptions
            .values()
            .filter(|its| its.routed)
            .count()
    }

    pub(crate) fn queued(&self) -> usize {
        self.lock()
            .subscriptions
            .values()
            .map(|its| its.queue.len())
            .sum()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn unroute(&mut self, id: u64) -> Option<Arc<Queue>> {
        let its = self.subscriptions.get_mut(&id).filter(|its| its.routed)?;
        its.routed = false;
        self.routes.remove(&its.at, &its.queue);
        Some(Arc::clone(&its.queue))
    }
}

impl Connection {
    pub(crate) fn check_open(&self) -> Result<(), TransportError> {
        if self.closed.load(Ordering::Relaxed) {
            return Err(TransportErrorKind::Closed.into());
        }
        Ok(())
    }
}
