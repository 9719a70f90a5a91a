use std::{ops::Deref, sync::Arc};

use super::{
    connection::WatchedConnection,
    ground::Ground,
    handing_on::HandingOn,
    questions::{Asked, Questions},
    requests::Requests,
    routes::Routes,
    serving::Serving,
    streams::Streams,
    work::Work,
};
use crate::accept::Gate;

/// The parts of a conduit, on their ground.
pub(crate) struct Shared {
    ground: Arc<Ground>,
    pub(crate) work: Arc<Work>,
    pub(crate) streams: Arc<Streams>,
    pub(crate) requests: Requests,
    pub(crate) questions: Questions,
    pub(super) asked: Asked,
    pub(crate) serving: Arc<Serving>,
    pub(super) handing_on: Arc<HandingOn>,
    pub(crate) routes: Routes,
    pub(crate) connection: WatchedConnection,
    /// What the layers of the conduit are asked when a message arrives.
    pub(super) gate: Gate,
}

impl Shared {
    pub(super) fn new(ground: Ground, gate: Gate) -> Self {
        let ground = Arc::new(ground);
        let work = Arc::new(Work::new(Arc::clone(&ground)));
        let streams = Arc::new(Streams::new(Arc::clone(&ground)));
        let handing_on = Arc::new(HandingOn::new(Arc::clone(&work)));
        Self {
            connection: WatchedConnection::new(&ground),
            requests: Requests::new(Arc::clone(&ground), Arc::clone(&streams)),
            questions: Questions::new(Arc::clone(&ground)),
            asked: Asked::new(Arc::clone(&ground)),
            serving: Arc::new(Serving::new(Arc::clone(&ground))),
            routes: Routes::new(Arc::clone(&work), Arc::clone(&handing_on)),
            ground,
            work,
            streams,
            handing_on,
            gate,
        }
    }

    pub(crate) fn ground(&self) -> &Arc<Ground> {
        &self.ground
    }
}

impl Deref for Shared {
    type Target = Ground;

    fn deref(&self) -> &Ground {
        &self.ground
    }
}
