//! The contract of `conduit::Runtime`, held against this adapter.

use async_channel::bounded;
use conduit::Runtime;
use conduit_async_std::AsyncStd;
use futures_lite::future::{block_on, poll_once};
use std::time::Duration;

#[test]
fn a_task_outlives_the_one_that_spawned_it() {
    let (held_by_spawner, spawner) = bounded::<()>(1);
    let (go, wait) = bounded(1);
    let (done, result) = bounded(1);
    AsyncStd.spawn(Box::pin(async move {
        let _held = held_by_spawner;
        AsyncStd.spawn(Box::pin(async move {
            wait.recv().await.expect("the word to go");
            done.send(7).await.expect("someone who waits");
        }));
    }));

    block_on(async {
        spawner.recv().await.expect_err("the spawner to be gone");
        go.send(()).await.expect("a task that waits");
        assert_eq!(result.recv().await, Ok(7));
    });
}

#[test]
fn a_sleep_until_the_past_is_over_at_once() {
    let past = AsyncStd.now();
    assert_eq!(block_on(poll_once(AsyncStd.sleep_until(past))), Some(()));
}

#[test]
fn a_sleep_lasts_until_its_instant() {
    let at = AsyncStd.now() + Duration::from_millis(20);
    block_on(AsyncStd.sleep_until(at));
    assert!(AsyncStd.now() >= at);
}

#[test]
fn sleeps_end_in_the_order_of_their_instants() {
    let start = AsyncStd.now();
    let mut later = AsyncStd.sleep_until(start + Duration::from_millis(20));
    let mut sooner = AsyncStd.sleep_until(start + Duration::from_millis(10));
    let mut never = AsyncStd.sleep_until(start + Duration::from_secs(3600));

    block_on(async {
        assert_eq!(poll_once(&mut never).await, None);
        (&mut later).await;
        assert_eq!(poll_once(&mut sooner).await, Some(()));
        assert_eq!(poll_once(&mut never).await, None);
    });
}

#[test]
fn a_sleep_wakes_a_spawned_task() {
    let (done, result) = bounded(1);
    let at = AsyncStd.now() + Duration::from_millis(20);
    AsyncStd.spawn(Box::pin(async move {
        AsyncStd.sleep_until(at).await;
        done.send(AsyncStd.now()).await.expect("someone who waits");
    }));
    assert!(block_on(result.recv()).expect("the task to end") >= at);
}
