//! What is asked of layers when a message arrives, and what they attach to it. It is below the driver's
//! parts, which ask; [`layer`](crate::layer) is above them.

mod arriving;
mod clock;
mod extensions;
mod refusal;

use std::{fmt, sync::Arc};

pub(crate) use self::arriving::Accepted;
pub use self::{arriving::Arriving, clock::Clock, extensions::Extensions, refusal::Refusal};

/// Accepts or refuses messages that arrive.
pub(crate) trait Accept: Send + Sync {
    fn accept(&self, arriving: &mut Arriving<'_>) -> Result<(), Refusal>;
}

/// All that is asked, in order. Clones share the list.
#[derive(Clone, Default)]
pub(crate) struct Gate(Option<Arc<[Arc<dyn Accept>]>>);

impl Gate {
    pub(crate) fn new(all: impl IntoIterator<Item = Arc<dyn Accept>>) -> Self {
        let all: Arc<[_]> = all.into_iter().collect();
        Self((!all.is_empty()).then_some(all))
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    pub(crate) fn all(&self) -> &[Arc<dyn Accept>] {
        self.0.as_deref().unwrap_or_default()
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate").field("len", &self.all().len()).finish()
    }
}
