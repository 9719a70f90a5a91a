//! The contract of `conduit::Runtime`, held against this adapter in each flavour of tokio.

use async_channel::bounded;
use conduit::Runtime;
use conduit_tokio::{Tokio, TokioHandle};
use futures_lite::future::{block_on, poll_once};
use std::{
    panic::catch_unwind,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::runtime::{self, Builder};

const HOUR: Duration = Duration::from_secs(3600);

type Adapter = Arc<dyn Runtime>;

/// Runs a check with both adapters, inside a runtime of each flavour.
fn in_each_flavour<F: Future>(check: impl Fn(Adapter) -> F) {
    for mut builder in [Builder::new_current_thread(), Builder::new_multi_thread()] {
        let tokio = build(&mut builder);
        tokio.block_on(check(Arc::new(Tokio)));
        tokio.block_on(check(Arc::new(TokioHandle::new(tokio.handle().clone()))));
    }
}

fn build(builder: &mut Builder) -> runtime::Runtime {
    builder.enable_time().build().expect("a tokio runtime")
}

async fn outlives_its_spawner(runtime: Adapter) {
    let (held_by_spawner, spawner) = bounded::<()>(1);
    let (go, wait) = bounded(1);
    let (done, result) = bounded(1);
    let inner = Arc::clone(&runtime);
    runtime.spawn(Box::pin(async move {
        let _held = held_by_spawner;
        inner.spawn(Box::pin(async move {
            wait.recv().await.expect("the word to go");
            done.send(7).await.expect("someone who waits");
        }));
    }));

    spawner.recv().await.expect_err("the spawner to be gone");
    go.send(()).await.expect("a task that waits");
    assert_eq!(result.recv().await, Ok(7));
}

async fn ends_in_order(runtime: Adapter) {
    let start = runtime.now();
    let mut later = runtime.sleep_until(start + Duration::from_millis(20));
    let mut sooner = runtime.sleep_until(start + Duration::from_millis(10));
    let mut never = runtime.sleep_until(start + HOUR);

    assert_eq!(poll_once(&mut never).await, None);
    (&mut later).await;
    assert!(runtime.now() >= start + Duration::from_millis(20));
    assert_eq!(poll_once(&mut sooner).await, Some(()));
    assert_eq!(poll_once(&mut never).await, None);
}

async fn wakes_a_task(runtime: Adapter) {
    let (done, result) = bounded(1);
    let at = runtime.now() + Duration::from_millis(20);
    let inner = Arc::clone(&runtime);
    runtime.spawn(Box::pin(async move {
        inner.sleep_until(at).await;
        done.send(inner.now()).await.expect("someone who waits");
    }));
    assert!(result.recv().await.expect("the task to end") >= at);
}

#[test]
fn a_task_outlives_the_one_that_spawned_it() {
    in_each_flavour(outlives_its_spawner);
}

#[test]
fn a_sleep_until_the_past_is_over_at_once() {
    let past = Instant::now();
    in_each_flavour(|runtime| async move {
        assert_eq!(poll_once(runtime.sleep_until(past)).await, Some(()));
    });
}

#[test]
fn sleeps_end_in_the_order_of_their_instants() {
    in_each_flavour(ends_in_order);
}

#[test]
fn a_sleep_wakes_a_spawned_task() {
    in_each_flavour(wakes_a_task);
}

#[tokio::test(start_paused = true)]
async fn a_paused_clock_is_the_clock_of_both() {
    let handle = TokioHandle::from(runtime::Handle::current());
    for adapter in [Arc::new(Tokio) as Adapter, Arc::new(handle)] {
        let start = adapter.now();
        adapter.sleep_until(start + HOUR).await;
        // A sleep may end a millisecond late, the grain of tokio's timer.
        let slept = adapter.now() - start;
        assert!(slept >= HOUR && slept <= HOUR + Duration::from_millis(1), "{slept:?}");
    }
}

#[test]
fn a_handle_reads_the_clock_of_its_own_runtime() {
    let paused = build(Builder::new_current_thread().start_paused(true));
    let adapter = TokioHandle::new(paused.handle().clone());
    let start = adapter.now();
    paused.block_on(tokio::time::advance(HOUR));
    assert_eq!(adapter.now(), start + HOUR);
}

#[test]
fn a_handle_needs_no_context() {
    let tokio = build(Builder::new_multi_thread().worker_threads(1));
    let adapter: Adapter = Arc::new(TokioHandle::new(tokio.handle().clone()));
    block_on(outlives_its_spawner(Arc::clone(&adapter)));
    block_on(wakes_a_task(Arc::clone(&adapter)));
    block_on(ends_in_order(adapter));
}

#[test]
fn without_a_context_tokio_panics_as_documented() {
    catch_unwind(|| Tokio.spawn(Box::pin(async {}))).expect_err("spawn to panic");
    catch_unwind(|| drop(Tokio.sleep_until(Instant::now()))).expect_err("sleep_until to panic");
}
