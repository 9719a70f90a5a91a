//! Breaks and restores the broker and its connections.

use std::{
    sync::{Arc, Weak},
    time::Instant,
};

use conduit::Runtime;
use event_listener::Event;
use futures_lite::future;

use super::{Broker, State};
use crate::{
    fault::{Active, FaultCounts, FaultPlan, Held},
    queue::Queue,
    route::Offer,
    wakers::Wakers,
    way::{Way, Writing},
};

impl Broker {
    pub(crate) fn disconnect(&self, connection: u64) {
        self.break_ways(Some(connection), Way::DISCONNECTED);
    }

    pub(crate) fn stop(&self) {
        self.lock().stopped = true;
        self.break_ways(None, Way::STOPPED);
    }

    pub(crate) fn start(&self) {
        let mut state = self.lock();
        state.stopped = false;
        let ways: Vec<_> = state.ways.values().cloned().collect();
        drop(state);
        for way in ways {
            self.mend(&way, Way::STOPPED);
        }
    }

    /// Cuts a connection off. Packets in its subscriptions have arrived, and are kept.
    pub(crate) fn cut(&self, connection: u64) {
        let state = self.lock();
        if let Some(way) = state.ways.get(&connection) {
            way.set(Way::CUT);
        }
        let queues = state.queues(|id| id == connection);
        drop(state);
        queues.iter().for_each(|queue| queue.wake_publishers());
    }

    /// Breaks one connection, or all.
    fn break_ways(&self, connection: Option<u64>, broken: u8) {
        let mut state = self.lock();
        let is_broken = |id: u64| connection.is_none_or(|connection| connection == id);
        let ways = state.ways.iter().filter(|(id, _)| is_broken(**id));
        let ways: Vec<_> = ways.map(|(_, way)| Arc::clone(way)).collect();
        ways.iter().for_each(|way| way.set(broken));
        let lost = state.faults.as_mut().map(|faults| faults.lose(connection));
        let queues = state.queues(is_broken);
        drop(state);
        let lost = lost.into_iter().flatten().filter_map(|held| held.writing);
        lost.for_each(|writing| writing.end().notify_written());
        ways.iter().for_each(|way| way.tell());
        for queue in queues {
            queue.lose();
            queue.wake_publishers();
        }
    }

    pub(crate) fn mend(&self, way: &Way, broken: u8) {
        let state = self.lock();
        way.clear(broken);
        drop(state);
        way.tell();
        way.notify();
    }

    pub(crate) fn inject(self: &Arc<Self>, plan: FaultPlan) {
        self.end_faults();
        let changed = Arc::<Event>::default();
        let runtime = Arc::clone(&plan.runtime);
        let mut state = self.lock();
        state.plans += 1;
        let number = state.plans;
        state.faults = Some(Active::new(number, plan, state.counts, Arc::clone(&changed)));
        let broker = Arc::downgrade(self);
        state.ways.values().for_each(|way| way.has_received());
        drop(state);
        let task = deliver_all(broker, number, Arc::clone(&runtime), changed);
        runtime.spawn(Box::pin(task));
    }

    pub(crate) fn end_faults(&self) {
        let mut wakers = Wakers::default();
        let mut state = self.lock();
        let Some(mut faults) = state.faults.take() else {
            return;
        };
        while let Some(held) = faults.transit.pop(None) {
            state.arrive(held, &mut faults.counts, &mut wakers);
        }
        while let Some(queue) = faults.transit.pop_received(None) {
            wakers.add(queue.arrived());
        }
        state.counts = faults.counts;
        drop(state);
        wakers.wake();
        drop(faults);
    }

    pub(crate) fn fault_counts(&self) -> FaultCounts {
        let state = self.lock();
        state.faults.as_ref().map_or(state.counts, |faults| faults.counts)
    }

    /// Delivers the delayed packets that are due. Returns when the next one is, if any; `None` once
    /// the plan has ended.
    fn deliver(&self, plan: u64) -> Option<Option<Instant>> {
        let mut state = self.lock();
        let mut faults = state.faults.take_if(|faults| faults.number == plan)?;
        let (now, mut wakers) = (faults.now(), faults.wakers());
        while let Some(held) = faults.transit.pop(Some(now)) {
            state.arrive(held, &mut faults.counts, &mut wakers);
        }
        faults.transit.receive(wakers.take_arriving());
        while let Some(queue) = faults.transit.pop_received(Some(now)) {
            wakers.add(queue.arrived());
        }
        let next = faults.transit.next_arrival();
        state.faults = Some(faults);
        drop(state);
        wakers.wake();
        Some(next)
    }
}

impl State {
    /// Routes a delayed packet. It is dropped if a subscription is full.
    fn arrive(&mut self, held: Held, counts: &mut FaultCounts, wakers: &mut Wakers) {
        let Held { routes, to, packet, undelivered, writing, .. } = held;
        wakers.add_written(writing.map(Writing::end));
        let undelivered = undelivered.as_ref().map(|(inbox, token)| (inbox, *token));
        if let Offer::Full(..) = self.route(routes, &to, packet, undelivered, wakers) {
            counts.dropped += 1;
        }
    }

    fn queues(&self, of: impl Fn(u64) -> bool) -> Vec<Arc<Queue>> {
        let own = self.subscriptions.values().filter(|its| of(its.connection));
        own.map(|its| Arc::clone(&its.queue)).collect()
    }
}

/// Delivers what arrives, as long as a plan is in force.
async fn deliver_all(
    broker: Weak<Broker>,
    plan: u64,
    runtime: Arc<dyn Runtime>,
    changed: Arc<Event>,
) {
    loop {
        let listener = changed.listen();
        // Not held while waiting: the broker goes when its last connection does.
        let next = broker.upgrade().and_then(|broker| broker.deliver(plan));
        match next {
            None => return,
            Some(None) => listener.await,
            Some(Some(at)) => future::or(listener, runtime.sleep_until(at)).await,
        }
    }
}
