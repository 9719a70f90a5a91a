//! Tells of a connection's events: to those who watch them, and to the log.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use async_broadcast::{InactiveReceiver, Receiver, Sender, broadcast};
use conduit::logging::{Noted, Repeated, Repeats};

use crate::RedisEvent;

/// How many events wait for a reader.
const KEPT: usize = 256;

/// How often an event that floods is told.
const SOMETIMES: Duration = Duration::from_secs(1);

/// What is logged again and again is logged once in this time.
const LOGGED_EACH: Duration = Duration::from_secs(10);

pub(crate) struct Monitor {
    sender: Sender<RedisEvent>,
    /// Keeps the channel open while nobody reads.
    receiver: InactiveReceiver<RedisEvent>,
    last: Mutex<Option<(RedisEvent, Instant)>>,
    log: Mutex<Repeats<&'static str>>,
}

impl Monitor {
    pub(crate) fn new() -> Self {
        let (mut sender, receiver) = broadcast(KEPT);
        sender.set_overflow(true);
        Self {
            sender,
            receiver: receiver.deactivate(),
            last: Mutex::default(),
            log: Mutex::new(Repeats::new(LOGGED_EACH)),
        }
    }

    pub(crate) fn events(&self) -> Receiver<RedisEvent> {
        self.receiver.activate_cloned()
    }

    pub(crate) fn tell(&self, event: RedisEvent) {
        self.log(&event);
        let last = event == RedisEvent::Closed;
        if self.is_news(&event) {
            // Nobody listens, mostly.
            let _ = self.sender.try_broadcast(event);
        }
        if last {
            self.sender.close();
        }
    }

    fn is_news(&self, event: &RedisEvent) -> bool {
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

    fn log(&self, event: &RedisEvent) {
        let kind = match event {
            RedisEvent::SlowConsumer => "slow consumer",
            RedisEvent::Denied(_) => "denied",
            RedisEvent::ServerError(_) => "server error",
            RedisEvent::ConnectFailed(_) => "connect failed",
            _ => return write(event, None),
        };
        let mut repeats = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        let noted = repeats.note(Instant::now(), kind, 1, ());
        drop(repeats);
        if let Noted::Told(before) = noted {
            write(event, before);
        }
    }
}

fn write(event: &RedisEvent, before: Option<Repeated<()>>) {
    let more = before.map(|before| before.more);
    let before = before.map_or_else(String::new, |before| format!(", {before} before"));
    match event {
        RedisEvent::Connected => tracing::info!(target: "conduit_redis", more, "{event}{before}"),
        RedisEvent::Denied(_) | RedisEvent::ServerError(_) => {
            tracing::error!(target: "conduit_redis", more, "{event}{before}");
        }
        RedisEvent::Closed => tracing::debug!(target: "conduit_redis", more, "{event}{before}"),
        _ => tracing::warn!(target: "conduit_redis", more, "{event}{before}"),
    }
}

#[cfg(test)]
mod tests {
    use futures_lite::{StreamExt, future::block_on};

    use super::{KEPT, Monitor};
    use crate::{Events, RedisEvent};

    #[test]
    fn who_reads_too_slowly_is_told() {
        let monitor = Monitor::new();
        let events = Events::new(monitor.events());
        for _ in 0..KEPT + 43 {
            monitor.tell(RedisEvent::Connected);
        }
        monitor.tell(RedisEvent::Closed);
        let events = block_on(events.collect::<Vec<_>>());
        assert_eq!(events.first(), Some(&RedisEvent::Missed(44)));
        assert_eq!(events.last(), Some(&RedisEvent::Closed));
        assert_eq!(events.len(), 1 + KEPT);
    }

    #[test]
    fn a_flood_is_told_once() {
        let monitor = Monitor::new();
        let events = Events::new(monitor.events());
        for _ in 0..1000 {
            monitor.tell(RedisEvent::SlowConsumer);
        }
        monitor.tell(RedisEvent::Closed);
        let events = block_on(events.collect::<Vec<_>>());
        assert!(events.len() < 10, "{events:?}");
    }
}
