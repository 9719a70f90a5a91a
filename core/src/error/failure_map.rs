use std::{error::Error as StdError, fmt, sync::Arc};

use super::chain;
use crate::Failure;

type Map = dyn Fn(&(dyn StdError + 'static)) -> Option<Failure> + Send + Sync;

/// Turns an application's errors into failures.
#[derive(Clone)]
pub(crate) struct FailureMap(Arc<Map>);

impl FailureMap {
    pub(crate) fn new(
        map: impl Fn(&(dyn StdError + 'static)) -> Option<Failure> + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(map))
    }

    /// Returns the failure for an error, or for the first of its causes that has one.
    pub(crate) fn failure(&self, error: &(dyn StdError + 'static)) -> Option<Failure> {
        chain(error).find_map(|error| (self.0)(error))
    }
}

impl fmt::Debug for FailureMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FailureMap")
    }
}
