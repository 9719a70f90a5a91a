//! What is logged of a connection's events.

use conduit_kit::Event;

use crate::NatsEvent;

impl Event for NatsEvent {
    fn missed(count: u64) -> Self {
        Self::Missed(count)
    }

    fn floods(&self) -> bool {
        matches!(self, Self::SlowConsumer | Self::ConnectFailed(_))
    }

    fn repeats_as(&self) -> Option<&'static str> {
        match self {
            Self::SlowConsumer => Some("slow consumer"),
            Self::Denied(_) => Some("denied"),
            Self::ServerError(_) => Some("server error"),
            Self::ConnectFailed(_) => Some("connect failed"),
            _ => None,
        }
    }

    fn log(&self, more: Option<u64>, before: &str) {
        match self {
            Self::Connected => tracing::info!(target: "conduit_nats", more, "{self}{before}"),
            Self::Denied(_) | Self::ServerError(_) => {
                tracing::error!(target: "conduit_nats", more, "{self}{before}");
            }
            Self::Closed => tracing::debug!(target: "conduit_nats", more, "{self}{before}"),
            _ => tracing::warn!(target: "conduit_nats", more, "{self}{before}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use conduit_kit::Announcer;
    use conduit_testing::logged_in_thread;
    use tracing_subscriber::filter::LevelFilter;

    use crate::NatsEvent;

    fn logged(test: impl FnOnce()) -> Vec<String> {
        let ((), text) = logged_in_thread(LevelFilter::INFO, test);
        text.lines().map(|line| line.trim_start().to_owned()).collect()
    }

    #[test]
    fn what_comes_again_and_again_is_one_line_and_what_changes_is_not() {
        let lines = logged(|| {
            let log = Announcer::default();
            for number in 0..1000 {
                log.announce(NatsEvent::Denied(format!("subject {number}")));
            }
            for _ in 0..3 {
                log.announce(NatsEvent::Disconnected);
                log.announce(NatsEvent::Connected);
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
            Announcer::default().announce(NatsEvent::ServerError(text));
        });
        assert_eq!(lines.len(), 1, "{} lines", lines.len());
        assert!(lines[0].len() < 2048 && !lines[0].contains('\u{1b}'), "{}", lines[0].len());
    }
}
