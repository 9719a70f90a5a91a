use std::{
    io::{self, Write},
    sync::{Arc, LazyLock, Mutex, MutexGuard, OnceLock, PoisonError},
};

use tracing::{Dispatch, dispatcher};
use tracing_subscriber::{
    filter::{LevelFilter, dynamic_filter_fn},
    fmt::MakeWriter,
    layer::SubscriberExt,
};

/// Everything that this process has logged since this was first called, at every level.
pub fn logged() -> String {
    static STARTED: OnceLock<Logs> = OnceLock::new();
    let logs = STARTED.get_or_init(|| {
        let logs = Logs::default();
        dispatcher::set_global_default(logs.subscriber(LevelFilter::TRACE))
            .expect("no other subscriber");
        logs
    });
    logs.text()
}

/// What a test returns, and what it logs in its thread at a level or above.
pub fn logged_in_thread<T>(level: LevelFilter, test: impl FnOnce() -> T) -> (T, String) {
    // While a process has only one subscriber, tracing asks the one of whichever thread comes to a
    // callsite first, which may have none, and remembers the answer for all threads. This second one
    // wants to be asked each time.
    static UNDECIDED: LazyLock<Dispatch> = LazyLock::new(|| {
        let undecided = dynamic_filter_fn(|_, _| false);
        Dispatch::new(tracing_subscriber::registry().with(undecided))
    });
    LazyLock::force(&UNDECIDED);
    let logs = Logs::default();
    let result = dispatcher::with_default(&logs.subscriber(level), test);
    (result, logs.text())
}

#[derive(Clone, Default)]
struct Logs(Arc<Mutex<Vec<u8>>>);

impl Logs {
    /// A subscriber that writes into these.
    fn subscriber(&self, level: LevelFilter) -> Dispatch {
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(level)
            .with_ansi(false)
            .without_time()
            .with_writer(self.clone())
            .finish();
        Dispatch::new(subscriber)
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes()).into_owned()
    }

    fn bytes(&self) -> MutexGuard<'_, Vec<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Write for Logs {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Logs {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    fn say() {
        tracing::info!("said");
    }

    #[test]
    fn what_a_thread_without_a_subscriber_logs_first_is_logged_by_the_next() {
        let (first, text) = logged_in_thread(LevelFilter::INFO, || {
            let first = thread::spawn(say).join();
            say();
            first
        });
        assert!(first.is_ok());
        assert_eq!(text.matches("said").count(), 1, "{text}");
    }
}
