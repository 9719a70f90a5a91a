use std::{
    future::{Future, poll_fn},
    pin::{Pin, pin},
    sync::atomic::{AtomicBool, Ordering},
    task::{Context, Poll},
};

use conduit::transport::{TransportError, TransportErrorKind};
use event_listener::{Event, EventListener};

/// Whether a transport was closed, and the news of it.
///
/// ```
/// use conduit::transport::TransportErrorKind;
/// use conduit_kit::Closing;
/// use futures_lite::future::{block_on, pending, zip};
///
/// let closing = Closing::default();
/// let close = async { assert!(closing.close()) };
/// let (ended, ()) = block_on(zip(closing.unless_closed::<()>(pending()), close));
/// assert_eq!(ended.map_err(|error| error.kind()), Err(TransportErrorKind::Closed));
/// assert!(closing.is_closed() && !closing.close());
/// ```
#[derive(Debug, Default)]
pub struct Closing {
    closed: AtomicBool,
    event: Event,
}

impl Closing {
    /// Closes, and returns whether it was open.
    pub fn close(&self) -> bool {
        let was_open = !self.closed.swap(true, Ordering::SeqCst);
        self.event.notify(usize::MAX);
        was_open
    }

    /// Returns whether it was closed.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// Waits for something no longer than the transport is open. Its result counts, even if both
    /// come at once.
    ///
    /// # Errors
    /// Those of the operation, and `Closed`.
    pub async fn unless_closed<T>(
        &self,
        operation: impl Future<Output = Result<T, TransportError>> + Send,
    ) -> Result<T, TransportError> {
        let done = self.until_closed(operation).await;
        done.unwrap_or_else(|| Err(TransportErrorKind::Closed.into()))
    }

    /// Waits for something likewise, which may be no call of a transport; `None` once it is closed.
    pub async fn until_closed<T>(&self, operation: impl Future<Output = T> + Send) -> Option<T> {
        if self.is_closed() {
            return None;
        }
        let mut operation = pin!(operation);
        let mut news = News::default();
        poll_fn(|cx| {
            if let Poll::Ready(result) = operation.as_mut().poll(cx) {
                return Poll::Ready(Some(result));
            }
            news.poll_closed(self, cx).map(|()| None)
        })
        .await
    }
}

/// One waiter for the close. It listens only once there is something to wait for, so that what is
/// done at the first poll costs no allocation.
#[derive(Debug, Default)]
pub struct News(Option<EventListener>);

impl News {
    /// Waits until the transport is closed.
    pub fn poll_closed(&mut self, closing: &Closing, cx: &mut Context<'_>) -> Poll<()> {
        let listener = self.0.get_or_insert_with(|| closing.event.listen());
        // Listen first, look second: a close between the two is not missed.
        if closing.is_closed() || Pin::new(listener).poll(cx).is_ready() {
            return Poll::Ready(());
        }
        Poll::Pending
    }
}
