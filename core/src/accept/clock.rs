use std::{
    fmt,
    future::Future,
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{Source, driver::Ground};

/// The clock of a conduit's runtime, which may be a virtual one. Cloning is cheap.
#[derive(Clone)]
pub struct Clock(Arc<Ground>);

impl Clock {
    pub(crate) fn new(ground: &Arc<Ground>) -> Self {
        Self(Arc::clone(ground))
    }

    pub(crate) fn source(&self) -> &Source {
        &self.0.source
    }

    /// Returns the time.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.0.now()
    }

    /// Waits until an instant. Returns at once when the conduit is closed.
    ///
    /// Cancel safe.
    pub fn sleep_until(&self, at: Instant) -> impl Future<Output = ()> + Send + use<> {
        let ground = Arc::clone(&self.0);
        async move { ground.sleep_until(at).await }
    }

    /// Waits for a time. Returns at once when the conduit is closed.
    ///
    /// Cancel safe.
    pub fn sleep(&self, time: Duration) -> impl Future<Output = ()> + Send + use<> {
        let at = self.now().checked_add(time);
        let ground = Arc::clone(&self.0);
        async move { ground.passed(at).await }
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clock").finish_non_exhaustive()
    }
}
