//! A runtime with one thread and a clock of its own.
//!
//! The clock stands still while anything can run, and then jumps to the next timer. Where nothing
//! can run and no timer is left, the test would hang, and panics instead.

use std::{
    collections::{BTreeMap, VecDeque},
    future::{Future, poll_fn},
    pin::{Pin, pin},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    time::{Duration, Instant},
};

// Of the crate's root in unit tests, and of the crate in the tests outside.
use super::{Runtime, Task};

/// The runtime; clones are the same one.
#[derive(Clone)]
pub(crate) struct Sim(Arc<Mutex<State>>);

struct State {
    start: Instant,
    now: Instant,
    ready: VecDeque<Arc<Job>>,
    timers: BTreeMap<(Instant, u64), Waker>,
    idle: Vec<Waker>,
    /// How often those who wait for idleness were woken.
    idled: u64,
    next_timer: u64,
    polls: u64,
}

struct Job {
    sim: Sim,
    task: Mutex<Option<Task>>,
    queued: AtomicBool,
}

impl Wake for Job {
    fn wake(self: Arc<Self>) {
        if !self.queued.swap(true, Ordering::SeqCst) {
            let sim = self.sim.clone();
            sim.state().ready.push_back(self);
        }
    }
}

struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Sim {
    pub(crate) fn new() -> Self {
        let start = Instant::now();
        Self(Arc::new(Mutex::new(State {
            start,
            now: start,
            ready: VecDeque::new(),
            timers: BTreeMap::new(),
            idle: Vec::new(),
            idled: 0,
            next_timer: 0,
            polls: 0,
        })))
    }

    /// Runs a test, and everything that it spawns, on a new runtime.
    pub(crate) fn run<T, F: Future<Output = T>>(test: impl FnOnce(Self) -> F) -> T {
        let sim = Self::new();
        sim.block_on(test(sim.clone()))
    }

    pub(crate) fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        let flag = Arc::new(Flag(AtomicBool::new(true)));
        let waker = Waker::from(Arc::clone(&flag));
        let mut future = pin!(future);
        loop {
            if flag.0.swap(false, Ordering::SeqCst)
                && let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker))
            {
                return output;
            }
            if !flag.0.load(Ordering::SeqCst) && !self.turn() {
                self.pass_time();
            }
        }
    }

    /// Polls the next task that can run.
    fn turn(&self) -> bool {
        let Some(job) = self.state().ready.pop_front() else {
            return false;
        };
        job.queued.store(false, Ordering::SeqCst);
        self.state().polls += 1;
        let mut slot = locked(&job.task);
        let waker = Waker::from(Arc::clone(&job));
        let done = slot
            .as_mut()
            .is_some_and(|task| task.as_mut().poll(&mut Context::from_waker(&waker)).is_ready());
        let done = if done { slot.take() } else { None };
        drop(slot);
        drop(done);
        true
    }

    /// Nothing can run: wakes those who wait for that, or else those whose time comes next.
    fn pass_time(&self) {
        let mut state = self.state();
        let mut due = std::mem::take(&mut state.idle);
        state.idled += u64::from(!due.is_empty());
        if due.is_empty() {
            let next = state.timers.keys().next().map(|(at, _)| *at);
            let at = next.expect("nothing can run and nobody waits for a time: it hangs");
            state.now = state.now.max(at);
            let later = state.timers.split_off(&(at, u64::MAX));
            due.extend(std::mem::replace(&mut state.timers, later).into_values());
        }
        drop(state);
        due.into_iter().for_each(Waker::wake);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        locked(&self.0)
    }

    /// How much time has passed on its clock.
    pub(crate) fn elapsed(&self) -> Duration {
        let state = self.state();
        state.now - state.start
    }

    /// How many times a task was polled.
    pub(crate) fn polls(&self) -> u64 {
        self.state().polls
    }

    /// How many timers are set.
    pub(crate) fn timers(&self) -> usize {
        self.state().timers.len()
    }

    pub(crate) fn sleep(&self, time: Duration) -> Task {
        self.sleep_until(self.now() + time)
    }

    /// Waits until nothing can run before time passes.
    pub(crate) async fn idle(&self) {
        let before = self.state().idled;
        poll_fn(|cx| {
            let mut state = self.state();
            if state.idled > before {
                return Poll::Ready(());
            }
            state.idle.push(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }
}

impl Runtime for Sim {
    fn spawn(&self, task: Task) {
        let job = Arc::new(Job {
            sim: self.clone(),
            task: Mutex::new(Some(task)),
            queued: AtomicBool::new(false),
        });
        job.wake();
    }

    fn sleep_until(&self, at: Instant) -> Task {
        Box::pin(Sleep { sim: self.clone(), at, key: None })
    }

    fn now(&self) -> Instant {
        self.state().now
    }
}

struct Sleep {
    sim: Sim,
    at: Instant,
    key: Option<u64>,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let sim = self.sim.clone();
        let mut state = sim.state();
        if state.now >= self.at {
            return Poll::Ready(());
        }
        let key = self.key.unwrap_or(state.next_timer);
        state.next_timer = state.next_timer.max(key + 1);
        self.key = Some(key);
        let before = state.timers.insert((self.at, key), cx.waker().clone());
        drop(state);
        drop(before);
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            let waker = self.sim.state().timers.remove(&(self.at, key));
            drop(waker);
        }
    }
}
