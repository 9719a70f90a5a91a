use std::{
    future::Future,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    time::{Duration, Instant},
};

use conduit::{Runtime, Task};
use futures_lite::future;

use crate::{
    Process, SimIds,
    clock::{Clock, Sleep},
    schedule::{FIRST, Schedule},
};

/// A runtime with a virtual clock and a schedule determined by a seed. Clones are handles to the
/// same runtime.
///
/// Its own tasks belong to no process; [`process`](Self::process) creates runtimes whose tasks can
/// be frozen and killed together. The [crate's documentation](crate) shows how to use it.
///
/// ```
/// use std::time::Duration;
///
/// use conduit_sim::Sim;
///
/// let run = |seed| {
///     let sim = Sim::new(seed);
///     sim.block_on(sim.sleep(Duration::from_secs(3600)));
///     (sim.elapsed(), sim.random(), sim.trace())
/// };
/// assert_eq!(run(7), run(7));
/// assert_eq!(run(7).0, Duration::from_secs(3600));
/// ```
#[derive(Debug, Clone)]
pub struct Sim {
    pub(crate) schedule: Arc<Schedule>,
    pub(crate) clock: Arc<Clock>,
    started: Instant,
    seed: u64,
}

/// The waker of the future that `block_on` runs.
struct Main(AtomicBool);

impl Wake for Main {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

impl Sim {
    /// The number of polls at one moment of the virtual clock that counts as a livelock.
    const LIVELOCK: u64 = 10_000_000;

    /// Creates a runtime with the schedule of a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let started = Instant::now();
        Self {
            schedule: Arc::new(Schedule::new(seed)),
            clock: Arc::new(Clock::new(started)),
            started,
            seed,
        }
    }

    /// Runs a future to completion, together with all spawned tasks.
    ///
    /// # Panics
    /// If the future can never complete: no task can run and no timer is set (a deadlock), or tasks
    /// wake each other for ever while the clock stands still (a livelock). The message contains the
    /// seed and the virtual time.
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        let mut future = pin!(future);
        let main = Arc::new(Main(AtomicBool::new(true)));
        let waker = Waker::from(Arc::clone(&main));
        let mut polls = 0;
        loop {
            if main.0.swap(false, Ordering::SeqCst) {
                if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker))
                {
                    return output;
                }
            } else if !self.run_one() {
                polls = 0;
                if !self.clock.advance() {
                    self.fail("a deadlock: nothing can run, and no timer is set");
                }
            }
            polls += 1;
            if polls > Self::LIVELOCK {
                self.fail("a livelock: tasks wake each other while no time passes");
            }
        }
    }

    fn fail(&self, what: &str) -> ! {
        panic!("{what} (seed {}, after {:?})", self.seed, self.elapsed());
    }

    /// Runs a future with a timeout in virtual time. Returns `None` if it passed; the future is
    /// then dropped. Use it in tests to bound operations that could hang.
    pub async fn within<F: Future>(&self, time: Duration, future: F) -> Option<F::Output> {
        let late = async {
            self.sleep(time).await;
            None
        };
        future::or(async { Some(future.await) }, late).await
    }

    /// Waits for a duration of virtual time.
    pub async fn sleep(&self, time: Duration) {
        self.sleep_until(self.now() + time).await;
    }

    /// Creates a process: a separate runtime with the same clock and schedule.
    #[must_use]
    pub fn process(&self) -> Process {
        Process::new(self.clone())
    }

    /// Drops every task, as if all processes were killed at once. Tasks spawned later are dropped
    /// at once. Call it at the end of a test, so that nothing leaks even if tasks hold each other.
    pub fn shut_down(&self) {
        self.schedule.shut_down();
    }

    /// Returns the seed of this run.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Returns how much virtual time has passed.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.now() - self.started
    }

    /// Returns a digest of the order in which tasks have run. Equal runs have equal digests, also
    /// in different executions of the program.
    #[must_use]
    pub fn trace(&self) -> u64 {
        self.schedule.trace()
    }

    /// Creates a generator of ids for one conduit, determined by the seed and the calls before.
    #[must_use]
    pub fn ids(&self) -> SimIds {
        SimIds::new(self.random())
    }

    /// Returns a pseudo-random number determined by the seed, for a test's own choices.
    #[must_use]
    pub fn random(&self) -> u64 {
        self.schedule.random_u64()
    }

    fn run_one(&self) -> bool {
        let Some(job) = self.schedule.next() else {
            return false;
        };
        let waker = Waker::from(Arc::clone(&job));
        job.run(|task| task.as_mut().poll(&mut Context::from_waker(&waker)));
        true
    }
}

impl Runtime for Sim {
    fn spawn(&self, task: Task) {
        self.schedule.spawn(FIRST, task);
    }

    fn sleep_until(&self, at: Instant) -> Task {
        Box::pin(Sleep::new(Arc::clone(&self.clock), at))
    }

    fn now(&self) -> Instant {
        self.clock.now()
    }
}
