//! What a client drops because nobody takes it in time.

use conduit_nats::{Events, NatsEvent};
use futures_lite::{StreamExt, future};

/// Whether a full subscription has lost packets since these events began.
pub fn was_slow(mut events: Events) -> bool {
    let mut slow = false;
    while let Some(Some(event)) = future::block_on(future::poll_once(events.next())) {
        slow |= event == NatsEvent::SlowConsumer;
    }
    slow
}
