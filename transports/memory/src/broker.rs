mod breaking;

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use bytes::Bytes;
use conduit::transport::{
    Address, Namespace, Packet, Target, Targets, Token, TransportError, TransportErrorKind,
};
use event_listener::EventListener;

use crate::{
    connection::Connection,
    fault::{Active, Fate, FaultCounts},
    queue::Queue,
    route::Offer,
    routes::Routes,
    wakers::Wakers,
    way::Way,
};

/// The state that all connections share.
///
/// Lock order: the broker's state, then a queue. Wakers run and packets are freed without a lock.
pub(crate) struct Broker {
    pub(crate) max_packet_len: usize,
    subscription_capacity: usize,
    state: Mutex<State>,
}

#[derive(Default)]
pub(crate) struct State {
    /// By namespace; the first are those without one.
    routes: Vec<Routes>,
    namespaces: BTreeMap<Namespace, usize>,
    /// Every subscription that was not dropped, in the order of creation.
    pub(crate) subscriptions: BTreeMap<u64, Subscribed>,
    pub(crate) ways: BTreeMap<u64, Arc<Way>>,
    pub(crate) stopped: bool,
    pub(crate) faults: Option<Active>,
    /// The counts of fault plans that have ended.
    pub(crate) counts: FaultCounts,
    pub(crate) plans: u64,
    last_connection: u64,
    last_subscription: u64,
}

pub(crate) struct Subscribed {
    pub(crate) connection: u64,
    at: Address,
    routes: usize,
    pub(crate) queue: Arc<Queue>,
    /// It was not left, and its connection not closed.
    routed: bool,
}

/// The outcome of a publish.
pub(crate) enum Published {
    Yes,
    /// There is no connection.
    Offline,
    /// A queue is full. Try again with the packet when the listener is notified.
    Full(EventListener),
}

impl Broker {
    pub(crate) fn new(max_packet_len: usize, subscription_capacity: usize) -> Self {
        let state = State { routes: vec![Routes::default()], ..State::default() };
        Self { max_packet_len, subscription_capacity, state: Mutex::new(state) }
    }

    /// Connects in a namespace, which [`namespace`](Self::namespace) has numbered.
    pub(crate) fn connect(&self, routes: usize) -> Connection {
        let mut state = self.lock();
        state.last_connection += 1;
        let id = state.last_connection;
        let way = Arc::<Way>::default();
        if state.stopped {
            way.set(Way::STOPPED);
            way.tell();
        }
        state.ways.insert(id, Arc::clone(&way));
        Connection { id, closed: AtomicBool::new(false), way, routes }
    }

    /// Returns the number of a namespace. 0 is that of none.
    pub(crate) fn namespace(&self, namespace: Namespace) -> usize {
        let mut state = self.lock();
        let next = state.routes.len();
        let number = *state.namespaces.entry(namespace).or_insert(next);
        if number == next {
            state.routes.push(Routes::default());
        }
        number
    }

    /// Removes a connection that was dropped. Its subscriptions remain.
    pub(crate) fn forget_connection(&self, connection: u64) {
        drop(self.lock().ways.remove(&connection));
    }

    /// Routes a packet, or the notice that it has no subscriber. Every packet passes through here,
    /// so fault plans drop, duplicate and delay packets here.
    pub(crate) fn publish(
        &self,
        from: &Connection,
        to: &Address,
        mut packet: Bytes,
        undelivered: Option<(&Address, Token)>,
    ) -> Result<Published, TransportError> {
        let mut state = self.lock();
        from.check_open()?;
        if packet.len() > self.max_packet_len {
            return Err(TransportErrorKind::TooLarge.into());
        }
        if !from.way.is_online() {
            return Ok(Published::Offline);
        }
        if from.way.is_cut() {
            return Ok(Published::Yes);
        }
        let (copies, notice) = match &mut state.faults {
            None => (1, true),
            Some(faults) => match faults.decide(from, to, &mut packet, undelivered) {
                Fate::Taken => return Ok(Published::Yes),
                Fate::Now { copies, notice } => (copies, notice),
            },
        };
        let mut wakers = state.faults.as_ref().map(Active::wakers).unwrap_or_default();
        for _ in 1..copies {
            state.route(from.routes, to, packet.clone(), None, &mut wakers);
        }
        let undelivered = undelivered.filter(|_| notice);
        let offer = state.route(from.routes, to, packet, undelivered, &mut wakers);
        if let Some(faults) = &mut state.faults {
            faults.transit.receive(wakers.take_arriving());
        }
        drop(state);
        wakers.wake();
        Ok(match offer {
            Offer::Full(packet, room) => {
                drop(packet);
                Published::Full(room)
            }
            Offer::NoSubscriber(packet) | Offer::Lost(packet) => {
                drop(packet);
                Published::Yes
            }
            Offer::Taken => Published::Yes,
        })
    }

    pub(crate) fn subscribe(
        &self,
        from: &Connection,
        at: &Address,
    ) -> Result<(u64, Arc<Queue>), TransportError> {
        let target = match at {
            Address::Subject { targets: Targets::Both, .. } => {
                let reason = "a subscription is plain or a member of the group, not both";
                return Err(TransportError::new(TransportErrorKind::Other, reason));
            }
            Address::Subject { targets: Targets::Group, .. } => Target::Group,
            _ => Target::Plain,
        };
        let mut state = self.lock();
        from.check_open()?;
        if matches!(at, Address::Inbox { .. }) && state.routes[from.routes].contains(at) {
            let reason = "another subscription has this inbox";
            return Err(TransportError::new(TransportErrorKind::Denied, reason));
        }
        let queue =
            state.routes[from.routes].add(at, target, self.subscription_capacity, &from.way);
        state.last_subscription += 1;
        let id = state.last_subscription;
        let subscribed = Subscribed {
            connection: from.id,
            at: at.clone(),
            routes: from.routes,
            queue: Arc::clone(&queue),
            routed: true,
        };
        state.subscriptions.insert(id, subscribed);
        drop(state);
        // Publishers that wait for room in a full group have a new member.
        queue.wake_publishers();
        Ok((id, queue))
    }

    /// Stops routing to a subscription, and ends it once it is read to the end.
    pub(crate) fn leave(&self, id: u64) {
        let Some(queue) = self.lock().unroute(id) else {
            return;
        };
        queue.end();
        queue.wake_publishers();
    }

    /// Removes a subscription that was dropped.
    pub(crate) fn forget(&self, id: u64) {
        self.leave(id);
        let subscribed = self.lock().subscriptions.remove(&id);
        drop(subscribed);
    }

    pub(crate) fn close(&self, connection: &Connection) {
        let mut state = self.lock();
        connection.closed.store(true, Ordering::Relaxed);
        let own = state.subscriptions.iter().filter(|(_, its)| its.connection == connection.id);
        let own: Vec<_> = own.map(|(&id, its)| (id, Arc::clone(&its.queue))).collect();
        for (id, _) in &own {
            state.unroute(*id);
        }
        let all: Vec<_> = state.subscriptions.values().map(|its| Arc::clone(&its.queue)).collect();
        drop(state);
        own.iter().for_each(|(_, queue)| queue.end_now());
        connection.way.notify();
        // A publish of this connection may wait at any of them, and has to notice the closing.
        all.iter().for_each(|queue| queue.wake_publishers());
    }

    pub(crate) fn subscriptions(&self) -> usize {
        self.lock().subscriptions.values().filter(|its| its.routed && its.queue.is_online()).count()
    }

    pub(crate) fn queued(&self) -> usize {
        self.lock().subscriptions.values().map(|its| its.queue.len()).sum()
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    pub(crate) fn route(
        &mut self,
        routes: usize,
        to: &Address,
        packet: Bytes,
        undelivered: Option<(&Address, Token)>,
        wakers: &mut Wakers,
    ) -> Offer {
        let routes = &mut self.routes[routes];
        let packet = match routes.offer(to, Packet::Data(packet), wakers) {
            Offer::NoSubscriber(packet) => packet,
            offer => return offer,
        };
        let Some((inbox, token)) = undelivered else {
            return Offer::NoSubscriber(packet);
        };
        match routes.offer(inbox, Packet::Undelivered(token), wakers) {
            Offer::Full(_, room) => Offer::Full(packet, room),
            Offer::Taken | Offer::NoSubscriber(_) | Offer::Lost(_) => Offer::NoSubscriber(packet),
        }
    }

    fn unroute(&mut self, id: u64) -> Option<Arc<Queue>> {
        let its = self.subscriptions.get_mut(&id).filter(|its| its.routed)?;
        its.routed = false;
        self.routes[its.routes].remove(&its.at, &its.queue);
        Some(Arc::clone(&its.queue))
    }
}
