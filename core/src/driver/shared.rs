use std::{ops::Deref, sync::Arc};

use super::{
    ground::Ground, handing_on::HandingOn, requests::Requests, routes::Routes, serving::Serving,
    streams::Streams, work::Work,
};
use crate::{IdSource, Runtime, ServiceName, config::Config, transport::DynTransport};

/// The parts of a conduit, on their ground.
pub(crate) struct Shared {
    ground: Ground,
    pub(super) handing_on: HandingOn,
    pub(super) streams: Streams,
    pub(super) requests: Requests,
    pub(super) routes: Routes,
    pub(super) serving: Serving,
    pub(super) work: Work,
}

impl Deref for Shared {
    type Target = Ground;

    fn deref(&self) -> &Ground {
        &self.ground
    }
}

impl Shared {
    pub(crate) fn start(
        service: ServiceName,
        config: Config,
        runtime: Arc<dyn Runtime>,
        transport: Box<dyn DynTransport>,
        ids: Box<dyn IdSource>,
    ) -> Arc<Self> {
        let shared = Arc::new(Self {
            handing_on: HandingOn::default(),
            streams: Streams::new(&config),
            requests: Requests::default(),
            routes: Routes::default(),
            serving: Serving::default(),
            work: Work::default(),
            ground: Ground::new(service, config, runtime, transport, ids),
        });
        shared.launch();
        shared
    }
}
