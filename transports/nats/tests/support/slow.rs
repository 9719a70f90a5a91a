//! What a client drops because nobody takes it in time.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use async_nats::{ConnectOptions, Event};

/// Counts what async-nats calls a slow consumer: each packet that a full subscription loses.
#[derive(Clone, Default)]
pub struct SlowConsumers(Arc<AtomicU64>);

impl SlowConsumers {
    pub fn counted(&self, options: ConnectOptions) -> ConnectOptions {
        let count = Arc::clone(&self.0);
        options.event_callback(move |event| {
            let slow = matches!(event, Event::SlowConsumer(_));
            count.fetch_add(u64::from(slow), Ordering::Relaxed);
            async {}
        })
    }

    pub fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
