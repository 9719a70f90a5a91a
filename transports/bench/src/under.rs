use std::{fmt, future::Future, sync::Arc, time::Instant};

use conduit::{Conduit, Encoder, Runtime, Task, transport::Transport};
use conduit_smol::Smol;
use conduit_tokio::Tokio;
use futures_lite::future;

/// A runtime to measure under.
pub enum Under {
    /// tokio, with a thread for each core.
    Tokio(tokio::runtime::Runtime),
    /// smol's global executor.
    Smol,
}

impl Under {
    /// tokio.
    ///
    /// # Panics
    /// Where the operating system does not give it what it needs.
    #[must_use]
    pub fn tokio() -> Self {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        Self::Tokio(builder.enable_all().build().expect("tokio does not start"))
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Tokio(_) => "tokio",
            Self::Smol => "smol",
        }
    }

    /// Runs a future in a task of the runtime.
    pub fn spawn<T: Send + 'static>(
        &self,
        future: impl Future<Output = T> + Send + 'static,
    ) -> impl Future<Output = T> + Send + 'static {
        // One type for the tasks of both.
        let (sender, receiver) = async_channel::bounded(1);
        let task = async move {
            sender.try_send(future.await).ok();
        };
        match self {
            Self::Tokio(runtime) => drop(runtime.spawn(task)),
            Self::Smol => smol::spawn(task).detach(),
        }
        async move { receiver.recv().await.expect("a task of a benchmark does not panic") }
    }

    /// Runs a future in a task of the runtime, and waits for it.
    ///
    /// # Panics
    /// Where the future does.
    pub fn run<T: Send + 'static>(&self, future: impl Future<Output = T> + Send + 'static) -> T {
        future::block_on(self.spawn(future))
    }

    /// Runs two futures, each in a task of its own, and returns how many seconds it took them.
    pub fn time(
        &self,
        one: impl Future<Output = ()> + Send + 'static,
        other: impl Future<Output = ()> + Send + 'static,
    ) -> f64 {
        let start = Instant::now();
        let one = self.spawn(one);
        self.run(other);
        future::block_on(one);
        start.elapsed().as_secs_f64()
    }

    /// A conduit that runs here.
    ///
    /// # Panics
    /// Where it cannot be made.
    pub fn conduit<E: Encoder>(
        &self,
        service: &str,
        transport: impl Transport,
        encoder: E,
    ) -> Conduit<E> {
        let runtime: Arc<dyn Runtime> = match self {
            Self::Tokio(_) => Arc::new(Tokio),
            Self::Smol => Arc::new(Smol),
        };
        let _context = match self {
            Self::Tokio(runtime) => Some(runtime.enter()),
            Self::Smol => None,
        };
        // What bounds a case is its window: the largest of its messages fill it too.
        let builder = Conduit::builder(service).max_waiting_bytes_per_binding(64 << 20);
        let builder = builder.max_waiting_bytes(256 << 20).runtime(Shared(runtime));
        // A third of that is for the one sender of a case.
        let builder = builder.max_bodies(4096).body_budget(128 << 20);
        builder.transport(transport).encoder(encoder).build().expect("a conduit can be made")
    }
}

struct Shared(Arc<dyn Runtime>);

impl Runtime for Shared {
    fn spawn(&self, task: Task) {
        self.0.spawn(task);
    }

    fn sleep_until(&self, at: Instant) -> Task {
        self.0.sleep_until(at)
    }

    fn now(&self) -> Instant {
        self.0.now()
    }
}

impl fmt::Debug for Under {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
