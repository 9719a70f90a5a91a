//! `cargo run --example embed_any_executor`
//!
//! Conduit on an executor that is made here, of threads, a channel and a condition variable: any
//! runtime will do that can spawn, sleep and tell the time.

use std::{
    collections::BTreeMap,
    error::Error,
    future::poll_fn,
    pin::pin,
    sync::{
        Arc, Condvar, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc,
    },
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
    time::{Duration, Instant},
};

use conduit::{Conduit, ErrorKind, Runtime, Task};
use conduit_json::Json;
use conduit_memory::Memory;

fn main() -> Result<(), Box<dyn Error>> {
    let runtime = Arc::new(Threads::new(2));
    block_on(async {
        let broker = Memory::new();
        let client = Conduit::new("client", Arc::clone(&runtime), broker.clone(), Json)?;
        let server = Conduit::new("server", Arc::clone(&runtime), broker, Json)?;

        server.queue_bind("echo").await?.to(|message| async move {
            println!("the handler runs on {:?}", thread::current().name());
            message.reply_body(message.take_body()?).await
        });
        let echo = client.service("server").request_body("echo", [7; 300_000]);
        println!("{} bytes came back", echo.await?.to_bytes().await?.len());

        let _silent = server.bind("silent").await?;
        let timeout = Duration::from_millis(50);
        let request = client.service("server").request("silent", &());
        let error = request.timeout(timeout).await.err().ok_or("no answer")?;
        assert_eq!(error.kind(), ErrorKind::Deadline);
        println!("the timer works: {error:#}");
        Ok(())
    })
}

/// Worker threads that take tasks from a channel, and a thread that keeps the time.
struct Threads {
    ready: mpsc::Sender<Arc<Job>>,
    timer: Arc<Timer>,
}

impl Threads {
    fn new(workers: usize) -> Self {
        let (ready, jobs) = mpsc::channel::<Arc<Job>>();
        let jobs = Arc::new(Mutex::new(jobs));
        for number in 1..=workers {
            let jobs = Arc::clone(&jobs);
            start(format!("worker {number}"), move || {
                let next = || lock(&jobs).recv();
                while let Ok(job) = next() {
                    job.run();
                }
            });
        }
        let timer = Arc::new(Timer::default());
        let ticking = Arc::clone(&timer);
        start("timer".into(), move || ticking.run());
        Self { ready, timer }
    }
}

impl Runtime for Threads {
    fn spawn(&self, task: Task) {
        let job = Job {
            task: Mutex::new(Some(task)),
            is_ready: AtomicBool::new(false),
            ready: self.ready.clone(),
        };
        Arc::new(job).wake();
    }

    fn sleep_until(&self, at: Instant) -> Task {
        let sleeper = Sleeper::new(Arc::clone(&self.timer), at);
        Box::pin(poll_fn(move |cx| sleeper.poll(cx)))
    }

    fn now(&self) -> Instant {
        Instant::now()
    }
}

/// A task that puts itself into the channel when it is woken.
struct Job {
    task: Mutex<Option<Task>>,
    is_ready: AtomicBool,
    ready: mpsc::Sender<Arc<Job>>,
}

impl Job {
    fn run(self: Arc<Self>) {
        // Whoever wakes it from here on wants it to be polled again.
        self.is_ready.store(false, Ordering::SeqCst);
        let waker = Waker::from(Arc::clone(&self));
        let mut slot = lock(&self.task);
        let Some(task) = slot.as_mut() else { return };
        if task.as_mut().poll(&mut Context::from_waker(&waker)).is_ready() {
            *slot = None;
        }
    }
}

impl Wake for Job {
    fn wake(self: Arc<Self>) {
        if !self.is_ready.swap(true, Ordering::SeqCst) {
            // It fails when the workers are gone: then nothing runs any more.
            self.ready.clone().send(self).ok();
        }
    }
}

/// Who is to be woken, and when. The number keeps two of the same instant apart.
#[derive(Default)]
struct Timer {
    sleeping: Mutex<BTreeMap<(Instant, u64), Waker>>,
    earlier: Condvar,
    last: AtomicU64,
}

impl Timer {
    fn run(&self) {
        let mut sleeping = lock(&self.sleeping);
        loop {
            let now = Instant::now();
            let next = sleeping.first_key_value().map(|(&(at, _), _)| at);
            sleeping = match next {
                Some(at) if at <= now => {
                    let first = sleeping.pop_first();
                    drop(sleeping);
                    first.into_iter().for_each(|(_, waker)| waker.wake());
                    lock(&self.sleeping)
                }
                Some(at) => {
                    let waited = self.earlier.wait_timeout(sleeping, at - now);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
                None => {
                    let waited = self.earlier.wait(sleeping);
                    waited.unwrap_or_else(PoisonError::into_inner)
                }
            };
        }
    }
}

/// One sleep. Dropped early, it leaves nothing behind.
struct Sleeper {
    timer: Arc<Timer>,
    key: (Instant, u64),
}

impl Sleeper {
    fn new(timer: Arc<Timer>, at: Instant) -> Self {
        let number = timer.last.fetch_add(1, Ordering::Relaxed);
        let key = (at, number);
        Self { timer, key }
    }

    fn poll(&self, cx: &Context<'_>) -> Poll<()> {
        if self.key.0 <= Instant::now() {
            return Poll::Ready(());
        }
        // Its last waker is not dropped under the lock: that might drop a task, and its sleeps.
        let last = lock(&self.timer.sleeping).insert(self.key, cx.waker().clone());
        drop(last);
        self.timer.earlier.notify_one();
        Poll::Pending
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        let waker = lock(&self.timer.sleeping).remove(&self.key);
        drop(waker);
    }
}

/// Runs a future on this thread, which is parked while there is nothing to do.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

fn start(name: String, run: impl FnOnce() + Send + 'static) {
    let started = thread::Builder::new().name(name).spawn(run);
    started.expect("a thread can be started");
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
