//! Primaries that are killed, whose replicas take their place.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use conduit::{
    Executed,
    transport::{Targets, Transport},
};
use conduit_redis::RedisEvent;
use conduit_smol::Smol;
use futures_lite::StreamExt;

use crate::{
    connect, doubles, subject_of,
    support::{self, Cluster, Outcome, PATIENT, body, builder, next, read, run, sha256},
};

/// An asker whose service is at one primary, and a worker at another, one of which is killed amid
/// requests and a body.
async fn outlives_a_kill_of(killed: usize) -> Outcome {
    const LENGTH: u64 = 64 << 20;
    let mut cluster = smol::unblock(Cluster::start).await;
    let digest = sha256(LENGTH);
    let names = [cluster.service_at(0, "asker"), cluster.service_at(1, "worker")];
    // A failover takes longer on a busy machine.
    let built = async |name: &str, at| -> Outcome<_> {
        Ok(builder(name, Smol, connect(&cluster, at).await?).idle_limit(PATIENT).build()?)
    };
    let (asker, worker) = (built(&names[0], 2).await?, built(&names[1], 0).await?);
    let seen = doubles(&worker).await?;
    let mut uploads = worker.queue_bind("upload").await?;
    let to = asker.service(&names[1]);
    let sent = run(&Smol, to.send_body("upload", body(LENGTH)));
    let body = uploads.next().await.expect("it is bound").take_body()?;

    let over = Arc::new(AtomicBool::new(false));
    let answered = Arc::new(AtomicU32::new(0));
    let (ended, answers) = (Arc::clone(&over), Arc::clone(&answered));
    let asking = run(&Smol, {
        let (asker, worker) = (asker.clone(), names[1].clone());
        async move {
            let (mut failed, mut number) = (Vec::new(), 0);
            while !ended.load(Ordering::Relaxed) {
                number += 1;
                let to = asker.service(&worker);
                let asked = to.request("double", &number.to_string());
                match asked.timeout(Duration::from_secs(3)).await {
                    Ok(reply) => {
                        let text = reply.text().await.expect("it is whole");
                        assert_eq!(text, (2 * number).to_string());
                        answers.fetch_add(1, Ordering::Relaxed);
                    }
                    Err(error) => failed.push((number, error)),
                }
            }
            failed
        }
    });
    let half = async_channel::bounded(1);
    let progress = half.0.clone();
    let reading = run(&Smol, async move {
        read(body, move |at| {
            if at > LENGTH / 2 {
                progress.try_send(()).ok();
            }
        })
        .await
    });
    half.1.recv().await?;
    cluster.kill(killed);
    assert_eq!(reading.await?, digest);
    let sent = sent.await?;
    assert_eq!((sent.completed().len(), sent.failed().len()), (1, 0), "{sent:?}");
    assert!(cluster.is_primary(killed + 3), "its replica has taken its place");

    let before = answered.load(Ordering::Relaxed);
    while answered.load(Ordering::Relaxed) < before + 20 {
        smol::Timer::after(Duration::from_millis(20)).await;
    }
    over.store(true, Ordering::Relaxed);
    for (number, error) in asking.await {
        let was_handled = seen.lock().expect("no panic").contains(&number);
        assert!(error.executed() != Executed::No || !was_handled, "{number}: {error:?}");
        assert!(error.executed() != Executed::Yes || was_handled, "{number}: {error:?}");
    }
    Ok(())
}

#[test]
fn conduits_go_on_when_the_primary_of_the_worker_is_killed() -> Outcome {
    support::smol(outlives_a_kill_of(1))
}

#[test]
fn conduits_go_on_when_the_primary_of_the_asker_is_killed() -> Outcome {
    support::smol(outlives_a_kill_of(0))
}

#[test]
fn a_primary_that_comes_back_as_a_replica_is_done_without() -> Outcome {
    support::smol(async {
        let mut cluster = smol::unblock(Cluster::start).await;
        let to = subject_of(&cluster.service_at(0, "work"), Targets::Group);
        let redis = connect(&cluster, 0).await?;
        let mut packets = redis.subscribe(&to).await?;
        let mut events = redis.events();
        cluster.kill(0);
        while events.next().await != Some(RedisEvent::Connected) {}
        cluster.start_again(0);
        while cluster.is_primary(0) {
            smol::Timer::after(Duration::from_millis(20)).await;
        }
        for number in 0..50 {
            let job = format!("job {number}");
            redis.publish(&to, job.clone().into(), None).await?;
            assert_eq!(next(&mut packets).await, job.as_bytes());
        }
        Ok(())
    })
}
