//! The contract of `conduit::Runtime`, held against this adapter.

use async_channel::bounded;
use conduit::Runtime;
use conduit_smol::Smol;
use futures_lite::future::{block_on, poll_once};
use std::time::Duration;

#[test]
fn a_task_outlives_the_one_that_spawned_it() {
    let (held_by_spawner, spawner) = bounded::<()>(1);
    let (go, wait) = bounded(1);
    let (done, result) = bounded(1);
    Smol.spawn(Box::pin(async move {
        let _held = held_by_spawner;
        Smol.spawn(Box::pin(async move {
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
    let past = Smol.now();
    assert_eq!(block_on(poll_once(Smol.sleep_until(past))), Some(()));
}

#[test]
fn a_sleep_lasts_until_its_instant() {
    let at = Smol.now() + Duration::from_millis(20);
    block_on(Smol.sleep_until(at));
    assert!(Smol.now() >= at);
}

#[test]
fn sleeps_end_in_the_order_of_their_instants() {
    let start = Smol.now();
    let mut later = Smol.sleep_until(start + Duration::from_millis(20));
    let mut sooner = Smol.sleep_until(start + Duration::from_millis(10));
    let mut never = Smol.sleep_until(start + Duration::from_secs(3600));

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
    let at = Smol.now() + Duration::from_millis(20);
    Smol.spawn(Box::pin(async move {
        Smol.sleep_until(at).await;
        done.send(Smol.now()).await.expect("someone who waits");
    }));
    assert!(block_on(result.recv()).expect("the task to end") >= at);
}
