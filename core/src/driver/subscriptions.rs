//! The subscriptions to subjects: binds, delivers the packets, unbinds.

mod bound;
mod listen;
mod listening;

use std::sync::{Arc, atomic::AtomicU32};

pub(crate) use self::bound::Bound;
use super::{Shared, routes::RoutePhase};
use crate::{Error, Subject, proto::BindingKind};

/// Adds a binding, and waits until the broker routes to it.
pub(crate) async fn bind(
    shared: &Arc<Shared>,
    subject: Subject,
    kind: BindingKind,
) -> Result<Bound, Error> {
    shared.check_running()?;
    shared.ready(None).await?;
    let (mailbox, route, is_new) = shared.routes.join(subject, kind);
    if is_new {
        shared.tasks.spawn(listen::run(Arc::clone(shared), Arc::clone(&route)));
    }
    let taken = AtomicU32::new(0);
    let bound = Bound { shared: Arc::clone(shared), mailbox, route, taken };
    // Draining leaves the bindings it finds; one added after that has to check by itself.
    shared.check_running()?;
    match bound.route.wait(|phase| !matches!(phase, RoutePhase::Subscribing)).await {
        RoutePhase::Failed(error) => Err(Error::copy_of(&error)),
        _ => Ok(bound),
    }
}
