//! The tasks, which of them can run, and which runs next.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
    task::Wake,
};

use conduit::Task;
use fastrand::Rng;

/// The process of tasks that belong to no other. It is never frozen or killed.
pub(crate) const FIRST: u64 = 0;

#[derive(Debug)]
pub(crate) struct Schedule(Mutex<State>);

#[derive(Debug)]
struct State {
    rng: Rng,
    ready: Vec<Arc<Job>>,
    /// Every task that has not ended, so that none outlives its process or the run.
    live: BTreeMap<u64, Arc<Job>>,
    spawned: u64,
    processes: Vec<Process>,
    /// A digest of all scheduling decisions.
    trace: u64,
    shut_down: bool,
}

#[derive(Debug, Default)]
struct Process {
    killed: bool,
    frozen: bool,
    /// The tasks that could run if the process were not frozen.
    held: Vec<Arc<Job>>,
}

/// One task.
pub(crate) struct Job {
    number: u64,
    process: u64,
    /// `None` while it runs, and when it has ended.
    task: Mutex<Option<Task>>,
    queued: AtomicBool,
    /// Weak, since the schedule owns the tasks.
    schedule: Weak<Schedule>,
}

impl Schedule {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Mutex::new(State {
            rng: Rng::with_seed(seed),
            ready: Vec::new(),
            live: BTreeMap::new(),
            spawned: 0,
            processes: vec![Process::default()],
            trace: seed,
            shut_down: false,
        }))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn add_process(&self) -> u64 {
        let mut state = self.lock();
        state.processes.push(Process::default());
        state.processes.len() as u64 - 1
    }

    pub(crate) fn spawn(self: &Arc<Self>, process: u64, task: Task) {
        let mut state = self.lock();
        let number = state.spawned;
        state.spawned += 1;
        let job = Arc::new(Job {
            number,
            process,
            task: Mutex::new(Some(task)),
            queued: AtomicBool::new(false),
            schedule: Arc::downgrade(self),
        });
        if state.shut_down || state.process(process).killed {
            drop(state);
            return job.drop_task();
        }
        state.live.insert(number, Arc::clone(&job));
        drop(state);
        job.wake();
    }

    /// Takes a task that can run, chosen by the seed.
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

    /// Returns whether a task's process was killed while the task ran.
    fn is_gone(&self, job: &Job) -> bool {
        let mut state = self.lock();
        state.shut_down || state.process(job.process).killed
    }

    fn done(&self, job: &Job) {
        self.lock().live.remove(&job.number);
    }

    pub(crate) fn trace(&self) -> u64 {
        self.lock().trace
    }

    pub(crate) fn random_u64(&self) -> u64 {
        self.lock().rng.u64(..)
    }

    pub(crate) fn freeze(&self, process: u64) {
        let mut state = self.lock();
        let (held, ready): (Vec<_>, _) =
            std::mem::take(&mut state.ready).into_iter().partition(|job| job.process == process);
        state.ready = ready;
        let frozen = state.process(process);
        frozen.frozen = true;
        frozen.held.extend(held);
    }

    pub(crate) fn thaw(&self, process: u64) {
        let mut state = self.lock();
        let thawed = state.process(process);
        thawed.frozen = false;
        let held = std::mem::take(&mut thawed.held);
        state.ready.extend(held);
    }

    /// Drops every task of a process, and those they spawn while being dropped.
    pub(crate) fn kill(&self, process: u64) {
        self.lock().process(process).killed = true;
        self.drop_tasks(|job| job.process == process);
    }

    pub(crate) fn is_killed(&self, process: u64) -> bool {
        self.lock().process(process).killed
    }

    /// Drops every task, and those they spawn while being dropped.
    pub(crate) fn shut_down(&self) {
        self.lock().shut_down = true;
        self.drop_tasks(|_| true);
    }

    fn drop_tasks(&self, which: impl Fn(&Job) -> bool) {
        let mut state = self.lock();
        let (dropped, live): (BTreeMap<_, _>, _) =
            std::mem::take(&mut state.live).into_iter().partition(|(_, job)| which(job));
        state.live = live;
        state.ready.retain(|job| !which(job));
        for process in &mut state.processes {
            process.held.retain(|job| !which(job));
        }
        drop(state);
        // Dropped without the lock, since a task may wake others while it is dropped.
        for (_, job) in dropped {
            job.drop_task();
        }
    }
}

impl State {
    fn process(&mut self, process: u64) -> &mut Process {
        let index = usize::try_from(process).unwrap_or(usize::MAX);
        &mut self.processes[index]
    }
}

impl Job {
    /// Polls the task, unless it has ended.
    pub(crate) fn run(self: &Arc<Self>, poll: impl FnOnce(&mut Task) -> std::task::Poll<()>) {
        let Some(mut task) = self.take() else { return };
        let ended = poll(&mut task).is_ready();
        let Some(schedule) = self.schedule.upgrade() else {
            return;
        };
        if ended {
            schedule.done(self);
        } else if !schedule.is_gone(self) {
            *self.task.lock().unwrap_or_else(PoisonError::into_inner) = Some(task);
        }
    }

    fn take(&self) -> Option<Task> {
        self.task.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn drop_task(&self) {
        drop(self.take());
    }
}

impl Wake for Job {
    fn wake(self: Arc<Self>) {
        if self.queued.swap(true, Ordering::SeqCst) {
            return;
        }
        let Some(schedule) = self.schedule.upgrade() else {
            return;
        };
        let mut state = schedule.lock();
        if !state.live.contains_key(&self.number) {
            return;
        }
        let process = state.process(self.process);
        if process.frozen {
            process.held.push(self);
        } else {
            state.ready.push(self);
        }
    }
}

impl std::fmt::Debug for Job {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Job")
            .field("number", &self.number)
            .field("process", &self.process)
            .finish_non_exhaustive()
    }
}
