//! What a connection's events say, kept for all transports on it.

use std::{
    collections::VecDeque,
    future::{Ready, ready},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use async_nats::Event;
use conduit::transport::{Connection, ConnectionState};
use conduit_kit::{Announced, Announcer, Places};

use crate::{NatsEvent, violation::Violation};

/// How many violations wait for the calls that caused them.
const KEPT: usize = 256;

pub(crate) struct Monitor {
    announcer: Announcer<NatsEvent>,
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
        let monitor = Arc::new(Self {
            announcer: Announcer::default(),
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
        self.announcer.announce(event);
    }

    pub(crate) fn events(&self) -> Announced<NatsEvent> {
        self.announcer.listen()
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
        self.0.announcer.close();
    }
}

#[cfg(test)]
mod tests {
    use async_nats::{ClientError, Event};
    use futures_lite::{StreamExt, future::block_on};

    use super::{KEPT, Monitor};
    use crate::NatsEvent;

    #[test]
    fn who_reads_too_slowly_is_told() {
        let (monitor, hear) = Monitor::new();
        let mut events = monitor.events();
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
        let events = monitor.events();
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
