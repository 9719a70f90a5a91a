use std::{future::Future, time::Instant};

use conduit::{Runtime, Task};

use crate::Sim;

/// A part of a simulation that can be killed and frozen as a whole, like a process of an operating
/// system. Clones are handles to the same process.
///
/// Pass it to a conduit as its runtime, and run the code that uses that conduit with
/// [`run`](Self::run): killing the process then drops all of that, and nothing else.
///
/// ```
/// use std::time::Duration;
///
/// use conduit_sim::Sim;
///
/// let sim = Sim::new(1);
/// let done = sim.block_on(async {
///     let process = sim.process();
///     let clock = sim.clone();
///     let work = process.run(async move { clock.sleep(Duration::from_secs(5)).await });
///     sim.sleep(Duration::from_secs(1)).await;
///     process.freeze();
///     sim.sleep(Duration::from_secs(59)).await;
///     process.thaw();
///     work.await
/// });
/// assert_eq!(done, Some(()));
/// assert_eq!(sim.elapsed(), Duration::from_secs(60));
/// ```
#[derive(Debug, Clone)]
pub struct Process {
    sim: Sim,
    number: u64,
}

impl Process {
    pub(crate) fn new(sim: Sim) -> Self {
        let number = sim.schedule.add_process();
        Self { sim, number }
    }

    /// Runs a future in this process, whether or not the returned future is awaited. That yields
    /// the output, or `None` if the process was killed first.
    pub fn run<F>(&self, future: F) -> impl Future<Output = Option<F::Output>> + Send + use<F>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        let (sender, output) = async_channel::bounded(1);
        self.spawn(Box::pin(async move {
            // Fails if the output is not awaited.
            sender.try_send(future.await).ok();
        }));
        async move { output.recv().await.ok() }
    }

    /// Drops every task of the process, as a crash does: peers are not told. Tasks spawned later
    /// are dropped at once.
    pub fn kill(&self) {
        self.sim.schedule.kill(self.number);
    }

    /// Stops the process, as SIGSTOP does: none of its tasks runs, while time passes and packets
    /// arrive.
    pub fn freeze(&self) {
        self.sim.schedule.freeze(self.number);
    }

    /// Resumes a frozen process.
    pub fn thaw(&self) {
        self.sim.schedule.thaw(self.number);
    }

    /// Returns whether the process was killed.
    #[must_use]
    pub fn is_killed(&self) -> bool {
        self.sim.schedule.is_killed(self.number)
    }
}

impl Runtime for Process {
    fn spawn(&self, task: Task) {
        self.sim.schedule.spawn(self.number, task);
    }

    fn sleep_until(&self, at: Instant) -> Task {
        self.sim.sleep_until(at)
    }

    fn now(&self) -> Instant {
        self.sim.now()
    }
}
