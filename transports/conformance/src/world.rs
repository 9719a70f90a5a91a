use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use conduit::{
    Builder, Conduit, Runtime,
    transport::{Namespace, Transport},
};
use futures_lite::future;

use crate::{Guarantee, Number, Violation};

/// A broker of one's own for one test, as the suite starts it.
pub trait Broker: Send + Sync + 'static {
    /// The transport under test.
    type Transport: Transport;

    /// Whether the broker can tell that nobody was subscribed to what was published. Where it
    /// cannot, the checks of notices hold nothing against it.
    const TELLS_UNDELIVERED: bool = true;

    /// How long a check waits for what waits for nothing else, before it finds that it does not
    /// happen: so long that only a fault takes longer.
    const PATIENCE: Duration = Duration::from_secs(30);

    /// Starts a broker that nobody else uses.
    fn start() -> impl Future<Output = Self> + Send;

    /// Makes a connection to it. Each is used by one conduit.
    fn connect(&self) -> impl Future<Output = Self::Transport> + Send;

    /// Makes a connection to it in a namespace. `None` where the transport has none, and the checks
    /// of namespaces hold nothing against it.
    fn connect_in(
        &self,
        namespace: Namespace,
    ) -> impl Future<Output = Option<Self::Transport>> + Send {
        let _ = namespace;
        async { None }
    }
}

/// Where a check takes place: a broker and a runtime.
pub struct World<B> {
    broker: B,
    runtime: Arc<dyn Runtime>,
}

impl<B: Broker> World<B> {
    /// A conduit with a connection of its own and every limit at its default.
    ///
    /// # Panics
    /// Where the conduit cannot be made.
    pub async fn conduit(&self, service: &str) -> Conduit<Number> {
        self.builder(service).await.build().expect("limits at their defaults are valid")
    }

    /// A conduit for bodies that every receiver has to get: it gives them more time to join than a
    /// slow machine needs, so the checks say how many to expect.
    ///
    /// # Panics
    /// Where the conduit cannot be made.
    pub async fn patient_conduit(&self, service: &str) -> Conduit<Number> {
        let builder = self.builder(service).await.join_window(B::PATIENCE);
        builder.build().expect("its limits are valid")
    }

    /// A conduit with a connection of its own, to be built.
    pub async fn builder(&self, service: &str) -> Builder<Arc<dyn Runtime>, B::Transport, Number> {
        Conduit::builder(service)
            .runtime(Arc::clone(&self.runtime))
            .transport(self.broker.connect().await)
            .encoder(Number)
    }

    /// The runtime under test.
    pub fn runtime(&self) -> Arc<dyn Runtime> {
        Arc::clone(&self.runtime)
    }

    /// The broker under test.
    pub fn broker(&self) -> &B {
        &self.broker
    }

    /// Runs a task of the check.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.runtime.spawn(Box::pin(task));
    }

    /// Runs a task of the check, whose result can be awaited.
    pub fn run<T, F>(&self, task: F) -> impl Future<Output = T> + Send + use<T, F, B>
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
    {
        let (sender, receiver) = async_channel::bounded(1);
        self.spawn(async move {
            sender.send(task.await).await.ok();
        });
        async move { receiver.recv().await.expect("the task does not panic") }
    }

    /// The time, on the clock of the runtime.
    pub fn now(&self) -> Instant {
        self.runtime.now()
    }

    /// Lets time pass, on the clock of the runtime.
    pub async fn pause(&self, time: Duration) {
        self.runtime.sleep_until(self.now() + time).await;
    }

    /// Gives a future so much time.
    ///
    /// # Errors
    /// The guarantee does not hold if the time passes.
    pub async fn within<T>(
        &self,
        limit: Duration,
        guarantee: Guarantee,
        what: &str,
        future: impl Future<Output = T> + Send,
    ) -> Result<T, Violation> {
        let late = async {
            self.runtime.sleep_until(self.now() + limit).await;
            Err(Violation::new(guarantee, format!("{what}: not done after {limit:?}")))
        };
        future::or(async { Ok(future.await) }, late).await
    }

    /// Waits until something holds, looking again and again.
    ///
    /// # Errors
    /// The guarantee does not hold if it is not so within half a minute.
    pub async fn eventually(
        &self,
        guarantee: Guarantee,
        what: impl Fn() -> String + Send,
        mut holds: impl FnMut() -> bool + Send,
    ) -> Result<(), Violation> {
        const LIMIT: Duration = Duration::from_secs(30);
        const PAUSE: Duration = Duration::from_millis(5);
        let give_up = self.now() + LIMIT;
        while !holds() {
            guarantee.ensure(self.now() < give_up, &what)?;
            self.runtime.sleep_until(self.now() + PAUSE).await;
        }
        Ok(())
    }
}

impl<B: std::fmt::Debug> std::fmt::Debug for World<B> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("World").field("broker", &self.broker).finish_non_exhaustive()
    }
}

/// Runs one check against a broker of its own.
///
/// # Errors
/// The guarantee that does not hold. A check that hangs is ended after twelve times
/// the broker's patience, which is two minutes by default.
pub async fn run<B, R, F>(runtime: R, check: fn(Arc<World<B>>) -> F) -> Result<(), Violation>
where
    B: Broker,
    R: Runtime,
    F: Future<Output = Result<(), Violation>> + Send,
{
    // Broken transports need less patience to be found, but not less time to work.
    let limit = 12 * B::PATIENCE.max(Duration::from_secs(10));
    let broker = B::start().await;
    let world = Arc::new(World { broker, runtime: Arc::new(runtime) });
    // Checks are long: on the heap they leave room on the stack of a test's thread.
    let checked = Box::pin(check(Arc::clone(&world)));
    world.within(limit, Guarantee::Isolation, "the check hangs", checked).await?
}
