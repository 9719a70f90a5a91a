//! The simulated runtime itself: processes, time, what it reports, and that nothing is left.

use std::{
    future,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use conduit::Runtime;
use conduit_sim::{Sim, check};

/// Counts how often it is dropped.
struct Dropped(Arc<AtomicU32>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

fn panic_of(test: impl FnOnce()) -> String {
    let panic = catch_unwind(AssertUnwindSafe(test)).expect_err("it panics");
    panic.downcast_ref::<String>().expect("a formatted message").clone()
}

#[test]
fn a_killed_process_drops_its_tasks_and_nobody_elses() {
    let sim = Sim::new(1);
    let drops = Arc::<AtomicU32>::default();
    let (killed, other) = (sim.process(), sim.process());
    let forever = |guard: Dropped| async move {
        let _guard = guard;
        future::pending::<()>().await;
    };
    let results = sim.block_on(async {
        let lost = killed.run(forever(Dropped(Arc::clone(&drops))));
        let clock = sim.clone();
        let kept = other.run(async move { clock.sleep(Duration::from_secs(2)).await });
        sim.sleep(Duration::from_secs(1)).await;
        killed.kill();
        let late = killed.run(forever(Dropped(Arc::clone(&drops))));
        (lost.await, late.await, kept.await)
    });
    assert_eq!(results, (None, None, Some(())));
    assert_eq!(drops.load(Ordering::SeqCst), 2);
    assert!(killed.is_killed() && !other.is_killed());
}

#[test]
fn a_process_can_kill_itself() {
    let sim = Sim::new(1);
    let process = sim.process();
    let own = process.clone();
    let output = sim.block_on(process.run(async move {
        own.kill();
        future::pending::<()>().await;
    }));
    assert_eq!(output, None);
}

#[test]
fn a_frozen_process_stands_still_and_then_goes_on() {
    let sim = Sim::new(1);
    let process = sim.process();
    let steps = Arc::<AtomicU32>::default();
    sim.block_on(async {
        let (clock, counter) = (sim.clone(), Arc::clone(&steps));
        let ticking = process.run(async move {
            for _ in 0..10 {
                clock.sleep(Duration::from_secs(1)).await;
                counter.fetch_add(1, Ordering::SeqCst);
            }
        });
        sim.sleep(Duration::from_millis(3_500)).await;
        process.freeze();
        sim.sleep(Duration::from_secs(100)).await;
        assert_eq!(steps.load(Ordering::SeqCst), 3);
        process.thaw();
        assert_eq!(ticking.await, Some(()));
    });
    // The step that was due came at once, and six more took a second each.
    assert_eq!(sim.elapsed(), Duration::from_millis(109_500));
}

#[test]
fn shutting_down_drops_tasks_that_wait_for_ever() {
    let sim = Sim::new(1);
    let drops = Arc::<AtomicU32>::default();
    for runtime in [Arc::new(sim.clone()) as Arc<dyn Runtime>, Arc::new(sim.process())] {
        let (guard, own) = (Dropped(Arc::clone(&drops)), Arc::clone(&runtime));
        runtime.spawn(Box::pin(async move {
            let _guards = (guard, own);
            future::pending::<()>().await;
        }));
    }
    sim.block_on(sim.sleep(Duration::from_secs(1)));
    assert_eq!(drops.load(Ordering::SeqCst), 0);
    sim.shut_down();
    assert_eq!(drops.load(Ordering::SeqCst), 2);
}

#[test]
fn a_deadlock_says_the_seed_and_the_time() {
    let sim = Sim::new(42);
    let text = panic_of(|| {
        sim.block_on(async {
            sim.sleep(Duration::from_secs(3)).await;
            future::pending::<()>().await;
        });
    });
    assert!(text.contains("deadlock") && text.contains("seed 42, after 3s"), "{text}");
}

#[test]
fn a_livelock_says_the_seed() {
    let sim = Sim::new(43);
    let text = panic_of(|| {
        sim.block_on(future::poll_fn(|cx| {
            cx.waker().wake_by_ref();
            std::task::Poll::<()>::Pending
        }));
    });
    assert!(text.contains("livelock") && text.contains("seed 43"), "{text}");
}

#[test]
fn what_takes_too_long_is_given_up() {
    let sim = Sim::new(1);
    let late = sim.block_on(sim.within(Duration::from_secs(7), future::pending::<()>()));
    assert_eq!((late, sim.elapsed()), (None, Duration::from_secs(7)));
    assert_eq!(sim.block_on(sim.within(Duration::from_secs(7), async { 1 })), Some(1));
}

#[test]
fn a_check_says_which_seed_failed_and_how_to_run_it_again() {
    let text = panic_of(|| {
        check(10, |sim| match sim.seed() {
            3 => Err("it is three".into()),
            _ => Ok(()),
        });
    });
    assert!(text.starts_with("it is three\n"), "{text}");
    let command = "CONDUIT_SIM_SEED=3 cargo test -p conduit-sim --test runtime -- \
                   --exact a_check_says_which_seed_failed_and_how_to_run_it_again";
    assert!(text.ends_with(command), "{text}");
}

#[test]
fn seeds_differ_in_the_order_in_which_tasks_run() {
    let first_of = |seed| {
        let sim = Sim::new(seed);
        let (sender, order) = async_channel::unbounded();
        for number in 0..8 {
            let sender = sender.clone();
            sim.spawn(Box::pin(async move {
                sender.try_send(number).expect("it is open");
            }));
        }
        sim.block_on(async { order.recv().await.expect("it is open") })
    };
    let firsts: std::collections::BTreeSet<u32> = (0..100).map(first_of).collect();
    assert_eq!(firsts.len(), 8);
}
