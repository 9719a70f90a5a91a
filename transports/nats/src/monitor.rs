//! What a connection's events say, kept for all transports on it.

use std::{
    collections::VecDeque,
    future::{Ready, ready},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use async_broadcast::{InactiveReceiver, Receiver, Sender, broadcast};
use async_nats::Event;
use conduit::transport::{Connection, ConnectionState};
use conduit_kit::Places;

use crate::{NatsEvent, log::Log, violation::Violation};

/// How many events wait for a reader, and how many violations for whoever caused them.
const KEPT: usize = 256;

/// How often an event that floods is told.
const SOMETIMES: Duration = Duration::from_secs(1);

pub(crate) struct Monitor {
    sender: Sender<NatsEvent>,
    /// Keeps the channel open while nobody reads.
    receiver: InactiveReceiver<NatsEvent>,
    last: Mutex<Option<(NatsEvent, Instant)>>,
    log: Log,
    pub(crate) connection: Connection,
    violations: Mutex<Violations>,
    /// A violation was heard of.
    heard: event_listener::Event,
    pub(crate) places: Places,
}

#[derive(Default)]
struct Violations {
    /// How many there were before the first of `recent`.
    forgotten: u64,
    recent: VecDeque<Violation>,
}

impl Monitor {
    /// A monitor, and what tells it of a connection's events.
    pub(crate) fn new() -> (Arc<Self>, impl Fn(Event) -> Ready<()> + Send + Sync + 'static) {
        let (mut sender, receiver) = broadcast(KEPT);
        sender.set_overflow(true);
        let monitor = Arc::new(Self {
            sender,
            receiver: receiver.deactivate(),
            last: Mutex::default(),
            log: Log::new(),
            connection: Connection::new(ConnectionState::Disconnected),
            violations: Mutex::default(),
            heard: event_listener::Event::new(),
            places: Places::new(Instant::now()),
        });
        let ears = Ears(Arc::clone(&monitor));
        (monitor, move |event| {
            ears.0.hear(event);
            ready(())
        })
    }

    fn hear(&self, event: Event) {
        let Some(event) = NatsEvent::of(event) else {
            return;
        };
        match &event {
            NatsEvent::ConnectFailed(_) => self.connection.note(ConnectionState::Reconnecting),
            NatsEvent::Disconnected => self.connection.note(ConnectionState::Disconnected),
            // Another server, or the same with another configuration.
            NatsEvent::Connected => {
                self.connection.note(ConnectionState::Connected);
                self.places.forget();
            }
            NatsEvent::Denied(text) | NatsEvent::ServerError(text) => {
                if let Some(violation) = Violation::parse(text) {
                    if let Violation::Publish(subject) = &violation {
                        self.places.suspect(subject);
                    }
                    self.violations().add(violation);
                    self.heard.notify(usize::MAX);
                }
            }
            _ => {}
        }
        self.log.tell(&event);
        if self.is_news(&event) {
            // Nobody listens, mostly.
            let _ = self.sender.try_broadcast(event);
        }
    }

    fn is_news(&self, event: &NatsEvent) -> bool {
        if !event.floods() {
            return true;
        }
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let told =
            last.as_ref().is_some_and(|(before, at)| before == event && now < *at + SOMETIMES);
        if !told {
            *last = Some((event.clone(), now));
        }
        !told
    }

    pub(crate) fn events(&self) -> Receiver<NatsEvent> {
        self.receiver.activate_cloned()
    }

    /// How many violations there were until now.
    pub(crate) fn violations_so_far(&self) -> u64 {
        let violations = self.violations();
        violations.forgotten + violations.recent.len() as u64
    }

    /// What the server did not permit, since there were so many violations, if it may be this.
    pub(crate) fn violated_since(&self, before: u64, violation: &Violation) -> Option<Violation> {
        let violations = self.violations();
        let seen = before.saturating_sub(violations.forgotten);
        let seen = usize::try_from(seen).unwrap_or(usize::MAX);
        violations.recent.iter().skip(seen).find(|recent| recent.explains(violation)).cloned()
    }

    fn violations(&self) -> MutexGuard<'_, Violations> {
        self.violations.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until the server has not permitted something.
    pub(crate) async fn violated(&self, before: u64, violation: &Violation) {
        loop {
            let listener = self.heard.listen();
            if self.violated_since(before, violation).is_some() {
                return;
            }
            listener.await;
        }
    }
}

impl Violations {
    fn add(&mut self, violation: Violation) {
        if self.recent.len() >= KEPT {
            self.recent.pop_front();
            self.forgotten += 1;
        }
        self.recent.push_back(violation);
    }
}

/// Dropped with the connection, whatever has ended it.
struct Ears(Arc<Monitor>);

impl Drop for Ears {
    fn drop(&mut self) {
        self.0.sender.close();
    }
}

#[cfg(test)]
mod tests {
    use async_nats::{ClientError, Event};
    use futures_lite::{StreamExt, future::block_on};

    use super::{KEPT, Monitor};
    use crate::{Events, NatsEvent};

    #[test]
    fn who_reads_too_slowly_is_told() {
        let (monitor, hear) = Monitor::new();
        let mut events = Events::new(Some(monitor.events()));
        for _ in 0..KEPT + 44 {
            block_on(hear(Event::Disconnected));
        }
        block_on(hear(Event::Connected));
        drop(hear);
        let events = block_on((&mut events).collect::<Vec<_>>());
        assert_eq!(events.first(), Some(&NatsEvent::Missed(45)));
        assert_eq!(events.last(), Some(&NatsEvent::Connected));
        assert_eq!(events.len(), 1 + KEPT);
    }

    #[test]
    fn a_flood_is_told_once() {
        let (monitor, hear) = Monitor::new();
        let events = Events::new(Some(monitor.events()));
        for _ in 0..1000 {
            block_on(hear(Event::SlowConsumer(1)));
        }
        for _ in 0..1000 {
            block_on(hear(Event::ClientError(ClientError::Other("refused".into()))));
        }
        drop(hear);
        let events = block_on(events.collect::<Vec<_>>());
        assert!(events.len() < 10, "{events:?}");
        assert_eq!(events.first(), Some(&NatsEvent::SlowConsumer));
        assert!(events.contains(&NatsEvent::ConnectFailed("refused".into())));
    }
}
