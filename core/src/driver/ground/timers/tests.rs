use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use futures_lite::future::{self, poll_once};

use super::Timers;
use crate::{Runtime, lock::lock, sim::Sim};

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Timers that a task of the runtime runs.
fn timers(sim: &Sim) -> Arc<Timers> {
    let timers = Arc::<Timers>::default();
    let (running, runtime) = (Arc::clone(&timers), sim.clone());
    sim.spawn(Box::pin(async move { running.run(&runtime).await }));
    timers
}

fn sleepers(timers: &Timers) -> usize {
    lock(&timers.sleepers).wakers.len()
}

#[test]
fn sleeps_end_in_order_and_on_time() {
    Sim::run(|sim| async move {
        let timers = timers(&sim);
        let ended = Arc::<Mutex<Vec<_>>>::default();
        for seconds in [3, 1, 2, 1, 0] {
            let (timers, sim, ended) = (Arc::clone(&timers), sim.clone(), Arc::clone(&ended));
            let at = sim.now() + secs(seconds);
            sim.clone().spawn(Box::pin(async move {
                timers.sleep_until(&sim, at).await;
                let mut ended = ended.lock().expect("no panic");
                ended.push((seconds, sim.elapsed()));
            }));
        }
        sim.sleep(secs(10)).await;
        let ended = ended.lock().expect("no panic");
        let expected = [0, 1, 1, 2, 3].map(|seconds| (seconds, secs(seconds)));
        assert_eq!(*ended, expected);
        assert_eq!((sleepers(&timers), sim.timers()), (0, 0));
    });
}

#[test]
fn an_earlier_sleep_wakes_the_task() {
    Sim::run(|sim| async move {
        let timers = timers(&sim);
        let late = timers.sleep_until(&sim, sim.now() + secs(100));
        let early = async {
            sim.sleep(secs(1)).await;
            timers.sleep_until(&sim, sim.now() + secs(1)).await;
        };
        future::or(late, early).await;
        assert_eq!(sim.elapsed(), secs(2));
    });
}

#[test]
fn a_dropped_sleep_is_forgotten() {
    Sim::run(|sim| async move {
        let timers = timers(&sim);
        for seconds in 1..100 {
            let mut sleep = timers.sleep_until(&sim, sim.now() + secs(seconds));
            assert!(poll_once(&mut sleep).await.is_none());
            assert!(poll_once(&mut sleep).await.is_none());
            assert_eq!(sleepers(&timers), 1, "it waits once, however often it is polled");
        }
        assert_eq!(sleepers(&timers), 0);
        sim.sleep(secs(1000)).await;
        assert!(sim.polls() < 10, "{} polls for nothing", sim.polls());
    });
}

#[test]
fn what_sleeps_when_they_stop_is_woken() {
    Sim::run(|sim| async move {
        let timers = timers(&sim);
        let sleep = timers.sleep_until(&sim, sim.now() + secs(100));
        let stop = async {
            sim.idle().await;
            timers.stop();
            future::pending::<()>().await;
        };
        future::or(sleep, stop).await;
        timers.sleep_until(&sim, sim.now() + secs(100)).await;
        assert_eq!(sim.elapsed(), secs(0));
    });
}
