use std::{fmt, sync::Arc};

use super::erased::BoxFuture;
use crate::InstanceInfo;

/// A conduit, as its transport knows it: see [`Transport::background`](super::Transport::background).
/// It does not keep the conduit open.
///
/// ```
/// use conduit::transport::Introduction;
///
/// /// A line for a list of services.
/// fn line(conduit: &Introduction) -> Option<String> {
///     let info = conduit.describe()?;
///     Some(format!("{} {} handled {}", info.service, info.instance, info.total.handled))
/// }
/// ```
#[derive(Clone)]
pub struct Introduction(Arc<dyn Known>);

pub(crate) trait Known: Send + Sync {
    fn describe(&self) -> Option<InstanceInfo>;
    fn closed(&self) -> BoxFuture<'_, ()>;
}

impl Introduction {
    pub(crate) fn new(conduit: Arc<dyn Known>) -> Self {
        Self(conduit)
    }

    /// Describes the conduit as it is now; `None` once it is closed.
    #[must_use]
    pub fn describe(&self) -> Option<InstanceInfo> {
        self.0.describe()
    }

    /// Waits until the conduit is closed.
    pub async fn closed(&self) {
        self.0.closed().await;
    }
}

impl fmt::Debug for Introduction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Introduction").finish_non_exhaustive()
    }
}
