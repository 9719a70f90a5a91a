//! What is logged of a connection's events.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use conduit::logging::{Noted, Repeated, Repeats};

use crate::NatsEvent;

/// What is logged, and how much like it was not.
#[derive(Debug)]
pub(crate) struct Log(Mutex<Repeats<&'static str>>);

impl Log {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Repeats::new(Duration::from_secs(10))))
    }

    /// Logs an event. What comes again and again is logged once in 10 s, with how often it came.
    pub(crate) fn tell(&self, event: &NatsEvent) {
        let Some(kind) = kind_that_repeats(event) else {
            return write(event, None);
        };
        let mut repeats = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let noted = repeats.note(Instant::now(), kind, 1, ());
        drop(repeats);
        if let Noted::Told(before) = noted {
            write(event, before);
        }
    }
}

fn kind_that_repeats(event: &NatsEvent) -> Option<&'static str> {
    match event {
        NatsEvent::SlowConsumer => Some("slow consumer"),
        NatsEvent::Denied(_) => Some("denied"),
        NatsEvent::ServerError(_) => Some("server error"),
        NatsEvent::ConnectFailed(_) => Some("connect failed"),
        _ => None,
    }
}

fn write(event: &NatsEvent, before: Option<Repeated<()>>) {
    let more = before.map(|before| before.more);
    let before = before.map_or_else(String::new, |before| format!(", {before} before"));
    match event {
        NatsEvent::Connected => tracing::info!(target: "conduit_nats", more, "{event}{before}"),
        NatsEvent::Denied(_) | NatsEvent::ServerError(_) => {
            tracing::error!(target: "conduit_nats", more, "{event}{before}");
        }
        NatsEvent::Closed => tracing::debug!(target: "conduit_nats", more, "{event}{before}"),
        _ => tracing::warn!(target: "conduit_nats", more, "{event}{before}"),
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io,
        sync::{Arc, Mutex},
    };

    use super::Log;
    use crate::NatsEvent;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("no panic").write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(test: impl FnOnce()) -> Vec<String> {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_ansi(false)
            .without_time()
            .with_writer(move || writer.clone())
            .finish();
        tracing::subscriber::with_default(subscriber, test);
        let bytes = lines.0.lock().expect("no panic");
        String::from_utf8_lossy(&bytes).lines().map(str::to_owned).collect()
    }

    #[test]
    fn what_comes_again_and_again_is_one_line_and_what_changes_is_not() {
        let lines = logged(|| {
            let log = Log::new();
            for number in 0..1000 {
                log.tell(&NatsEvent::Denied(format!("subject {number}")));
            }
            for _ in 0..3 {
                log.tell(&NatsEvent::Disconnected);
                log.tell(&NatsEvent::Connected);
            }
        });
        assert_eq!(lines.len(), 7, "{lines:#?}");
        assert!(lines[0].contains("ERROR conduit_nats: "), "{}", lines[0]);
        assert!(lines[0].contains("does not permit it: subject 0"), "{}", lines[0]);
    }

    #[test]
    fn a_line_is_short_and_holds_no_control_characters() {
        let lines = logged(|| {
            let text = format!("\u{1b}[31m\r\nforged {}", "x".repeat(1 << 20));
            Log::new().tell(&NatsEvent::ServerError(text));
        });
        assert_eq!(lines.len(), 1, "{} lines", lines.len());
        assert!(lines[0].len() < 2048 && !lines[0].contains('\u{1b}'), "{}", lines[0].len());
    }
}
