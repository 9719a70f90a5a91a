//! What can run, and which of it is next.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::Wake,
};

use conduit::Task;
use fastrand::Rng;

#[derive(Debug)]
pub(crate) struct Schedule(Mutex<State>);

#[derive(Debug)]
struct State {
    rng: Rng,
    ready: Vec<Arc<Job>>,
    spawned: u64,
    /// A digest of everything that was decided.
    trace: u64,
}

/// One task.
pub(crate) struct Job {
    number: u64,
    /// `None` while it runs and when it is done.
    pub(crate) task: Mutex<Option<Task>>,
    queued: AtomicBool,
    schedule: Arc<Schedule>,
}

impl Schedule {
    pub(crate) fn new(seed: u64) -> Self {
        let rng = Rng::with_seed(seed);
        Self(Mutex::new(State { rng, ready: Vec::new(), spawned: 0, trace: seed }))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn spawn(self: &Arc<Self>, task: Task) {
        let mut state = self.lock();
        let number = state.spawned;
        state.spawned += 1;
        drop(state);
        let job = Arc::new(Job {
            number,
            task: Mutex::new(Some(task)),
            queued: AtomicBool::new(false),
            schedule: Arc::clone(self),
        });
        job.wake();
    }

    /// Takes one of the tasks that can run.
    pub(crate) fn next(&self) -> Option<Arc<Job>> {
        const PRIME: u64 = 0x0000_0100_0000_01b3;
        let mut state = self.lock();
        if state.ready.is_empty() {
            return None;
        }
        let count = state.ready.len();
        let at = state.rng.usize(..count);
        let job = state.ready.swap_remove(at);
        // FNV-1a, over the numbers of the tasks in the order in which they ran.
        state.trace = (state.trace ^ job.number).wrapping_mul(PRIME);
        job.queued.store(false, Ordering::SeqCst);
        Some(job)
    }

    pub(crate) fn trace(&self) -> u64 {
        self.lock().trace
    }

    pub(crate) fn random_u64(&self) -> u64 {
        self.lock().rng.u64(..)
    }

    /// Drops every task that can run; what they own may make more of them able to.
    pub(crate) fn clear(&self) {
        loop {
            let ready = std::mem::take(&mut self.lock().ready);
            if ready.is_empty() {
                return;
            }
            for job in ready {
                let task = job.task.lock().unwrap_or_else(PoisonError::into_inner).take();
                drop(task);
            }
        }
    }
}

impl Wake for Job {
    fn wake(self: Arc<Self>) {
        if !self.queued.swap(true, Ordering::SeqCst) {
            let schedule = Arc::clone(&self.schedule);
            schedule.lock().ready.push(self);
        }
    }
}

impl std::fmt::Debug for Job {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Job").field("number", &self.number).finish_non_exhaustive()
    }
}
