//! Redis passes the conformance suite: against a real server under every runtime, and against a cluster.

mod support;

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    process::ExitCode,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use conduit::transport::Namespace;
use conduit_conformance::Broker;
use conduit_redis::Redis;
use conduit_testing::{Smol, block_on, conformance_trials, run_trials, trial};
use support::{Cluster, Server};

/// A server of one's own.
struct RealServer(Server);

impl Broker for RealServer {
    type Transport = Redis;

    async fn start() -> Self {
        Self(Server::start())
    }

    async fn connect(&self) -> Redis {
        // The checks of limits are about those of conduits: as much room as other transports give.
        let options = Redis::options().body_budget(48 << 20);
        let connected = Redis::connect_with(options, [self.0.url()]).await;
        connected.expect("the server answers")
    }

    async fn connect_in(&self, namespace: Namespace) -> Option<Redis> {
        Some(self.connect().await.in_namespace(namespace))
    }
}

/// A part of a cluster that is for one check alone: nobody else uses namespaces with its prefix.
struct RealCluster {
    cluster: Arc<Cluster>,
    prefix: String,
}

static CLUSTER: Mutex<Option<Arc<Cluster>>> = Mutex::new(None);
static PARTS: AtomicUsize = AtomicUsize::new(0);

impl RealCluster {
    async fn connect_under(&self, name: &str) -> Redis {
        let options = Redis::options().body_budget(48 << 20);
        // Any server of it will do.
        let urls = [self.cluster.url(5), self.cluster.url(0)];
        let connected = Redis::connect_with(options, urls).await.expect("the servers answer");
        connected.in_namespace(format!("{}{name}", self.prefix).parse().expect("a namespace"))
    }
}

impl Broker for RealCluster {
    type Transport = Redis;

    const PATIENCE: Duration = Duration::from_secs(60);

    async fn start() -> Self {
        let part = PARTS.fetch_add(1, Ordering::Relaxed);
        let mut cluster = CLUSTER.lock().expect("a cluster that has started");
        let cluster = cluster.get_or_insert_with(|| Arc::new(Cluster::calm()));
        Self { cluster: Arc::clone(cluster), prefix: format!("part-{part}-") }
    }

    async fn connect(&self) -> Redis {
        self.connect_under("none").await
    }

    async fn connect_in(&self, namespace: Namespace) -> Option<Redis> {
        // The longest leave no room for the prefix.
        let mut hasher = DefaultHasher::new();
        namespace.as_str().hash(&mut hasher);
        Some(self.connect_under(&format!("in-{:016x}", hasher.finish())).await)
    }
}

fn main() -> ExitCode {
    let mut trials = conformance_trials!(RealServer);
    for check in conduit_conformance::checks!(RealCluster, Smol, block_on::smol) {
        let name = format!("on_a_cluster::{}", check.name);
        // They take long: `.ci/nightly` runs them.
        trials.push(trial(&name, || Ok((check.run)()?)).with_ignored_flag(true));
    }
    let ended = run_trials(trials);
    // Nobody drops what is static.
    drop(CLUSTER.lock().map(|mut cluster| cluster.take()));
    ended
}
