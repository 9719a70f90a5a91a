use std::{
    future::Future,
    pin::pin,
    sync::{
        Arc, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    time::{Duration, Instant},
};

use conduit::{Runtime, Task};

use crate::{
    SimIds,
    clock::{Clock, Sleep},
    schedule::Schedule,
};

/// A runtime with a virtual clock, whose schedule a seed decides. Clones are the same runtime.
///
/// See the [crate's documentation](crate) for what it is good for.
#[derive(Debug, Clone)]
pub struct Sim {
    schedule: Arc<Schedule>,
    clock: Arc<Clock>,
    started: Instant,
}

/// The future that `block_on` runs, as something to wake.
struct Main(AtomicBool);

impl Wake for Main {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

impl Sim {
    /// After so many polls at one moment of the virtual clock, nothing moves any more.
    const LIVELOCK: u64 = 10_000_000;

    /// A runtime whose schedule comes from a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let started = Instant::now();
        Self {
            schedule: Arc::new(Schedule::new(seed)),
            clock: Arc::new(Clock::new(started)),
            started,
        }
    }

    /// Runs a future to its end, and with it all that was spawned.
    ///
    /// # Panics
    /// Where the future can never end: nothing can run, and no timer is set; or where tasks wake
    /// each other for ever while the clock stands still.
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        let mut future = pin!(future);
        let main = Arc::new(Main(AtomicBool::new(true)));
        let waker = Waker::from(Arc::clone(&main));
        let mut polls = 0;
        loop {
            if main.0.swap(false, Ordering::SeqCst) {
                if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
                    return output;
                }
            } else if self.run_one() {
                polls += 1;
                assert!(polls < Self::LIVELOCK, "tasks wake each other without end");
            } else {
                polls = 0;
                assert!(self.clock.advance(), "a deadlock: nothing can run, and no timer is set");
            }
        }
    }

    /// Drops every task that can run, and all that this lets run: what a process that is killed
    /// does to its tasks, done to all of them. For the end of a test that looks for leaks.
    pub fn shut_down(&self) {
        self.schedule.clear();
    }

    /// How much virtual time has passed.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.clock.now() - self.started
    }

    /// A digest of the order in which tasks have run: equal for equal runs, in whatever process.
    #[must_use]
    pub fn trace(&self) -> u64 {
        self.schedule.trace()
    }

    /// Ids for one conduit, decided by the seed and by how many were made before.
    #[must_use]
    pub fn ids(&self) -> SimIds {
        SimIds::new(self.schedule.random_u64())
    }

    /// Waits for some virtual time.
    pub async fn sleep(&self, time: Duration) {
        let at = self.clock.now() + time;
        Sleep::new(Arc::clone(&self.clock), at).await;
    }

    fn run_one(&self) -> bool {
        let Some(job) = self.schedule.next() else { return false };
        let task = job.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(mut task) = task {
            let waker = Waker::from(Arc::clone(&job));
            if task.as_mut().poll(&mut Context::from_waker(&waker)).is_pending() {
                *job.task.lock().unwrap_or_else(PoisonError::into_inner) = Some(task);
            }
        }
        true
    }
}

impl Runtime for Sim {
    fn spawn(&self, task: Task) {
        self.schedule.spawn(task);
    }

    fn sleep_until(&self, at: Instant) -> Task {
        Box::pin(Sleep::new(Arc::clone(&self.clock), at))
    }

    fn now(&self) -> Instant {
        self.clock.now()
    }
}
