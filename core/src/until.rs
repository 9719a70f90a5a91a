//! Waiting for a condition.

use event_listener::Event;

/// Waits until a condition holds. Every change that may make it true notifies the event.
pub(crate) async fn until(changed: &Event, holds: impl Fn() -> bool) {
    until_some(changed, move || holds().then_some(())).await;
}

/// Waits until there is a value, as [`until`] does.
pub(crate) async fn until_some<T>(changed: &Event, find: impl Fn() -> Option<T>) -> T {
    loop {
        // Made before, so that no change after the look is missed.
        let listener = changed.listen();
        if let Some(found) = find() {
            return found;
        }
        listener.await;
    }
}
