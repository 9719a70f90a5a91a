//! Waits until a conduit can be used.

use std::time::Duration;

use futures_lite::future;

use super::{Shared, ground::Stage};
use crate::{Error, ErrorKind};

/// Waits until the inbox is active and the broker answers, at most for a limit.
pub(crate) async fn ready(shared: &Shared, limit: Duration) -> Result<(), Error> {
    let deadline = shared.now().checked_add(limit);
    let late = async {
        shared.passed(deadline).await;
        // Sleeps end early when the conduit is closed.
        shared.check_running()?;
        Err(Error::new(ErrorKind::Disconnected, format!("waited {limit:?} for it")))
    };
    let ending = async {
        shared.lifecycle.reached(Stage::Draining).await;
        Err(ErrorKind::Closed.into())
    };
    future::or(ending, future::or(answered(shared), late)).await
}

async fn answered(shared: &Shared) -> Result<(), Error> {
    loop {
        match shared.ready(None).await {
            // It has waited for the send timeout.
            Err(error) if error.kind() == ErrorKind::Disconnected => {}
            ready => break ready?,
        }
    }
    Ok(shared.reach_broker().await?)
}
