//! Logs events: the first at once, repetitions together.

use std::{sync::Mutex, time::Duration};

use event_listener::Event;

use super::{EventFields, Ground, Logged};
use crate::{
    Source, Subject,
    lock::lock,
    logging::{Noted, Repeated, Repeats},
};

const INTERVAL: Duration = Duration::from_secs(10);

type EventKey = (Logged, Option<Subject>);

pub(super) struct Log {
    repeats: Mutex<Repeats<EventKey, Option<Source>>>,
    /// Notified when repetitions are counted.
    counted: Event,
}

impl Default for Log {
    fn default() -> Self {
        Self { repeats: Mutex::new(Repeats::new(INTERVAL)), counted: Event::new() }
    }
}

impl Ground {
    /// Logs an event, now or later together with repetitions.
    pub(crate) fn log(&self, event: Logged, seen: EventFields<'_>) {
        if !event.is_enabled() {
            return;
        }
        let kind = (event, seen.subject.cloned());
        let (source, count) = (seen.source.cloned(), seen.count.max(1));
        // Logged without the lock: a subscriber may log itself.
        let noted = lock(&self.log.repeats).note(self.now(), kind, count, source);
        match noted {
            Noted::Counted => {
                self.log.counted.notify(usize::MAX);
            }
            Noted::Told(before) => {
                if let Some(repeated) = before {
                    write_repeated(event, seen.subject, &repeated);
                }
                event.write(&seen, None);
            }
        }
    }

    /// Logs counted repetitions when they are due, until the conduit is closed.
    pub(in crate::driver) async fn log_repeats(&self) {
        loop {
            let counted = self.log.counted.listen();
            let due = lock(&self.log.repeats).next_due();
            match due {
                None => counted.await,
                Some(at) => {
                    self.pause_until(at).await;
                    let due = lock(&self.log.repeats).take_due(self.now());
                    write_all(&due);
                }
            }
        }
    }

    /// Logs the remaining counted repetitions at the end.
    pub(in crate::driver) fn log_last_repeats(&self) {
        let all = lock(&self.log.repeats).take_all(self.now());
        write_all(&all);
    }
}

fn write_all(all: &[(EventKey, Repeated<Option<Source>>)]) {
    for ((event, subject), repeated) in all {
        write_repeated(*event, subject.as_ref(), repeated);
    }
}

fn write_repeated(event: Logged, subject: Option<&Subject>, repeated: &Repeated<Option<Source>>) {
    let source = repeated.last.as_ref();
    event.write(&EventFields { subject, source, ..EventFields::default() }, Some(repeated));
}

#[cfg(test)]
mod tests {
    use super::Logged;

    #[test]
    fn every_event_is_documented() {
        let documented = include_str!("../../logging.rs");
        for line in Logged::TABLE {
            assert!(documented.contains(&format!("//! {line}\n")), "{line}");
        }
    }
}
