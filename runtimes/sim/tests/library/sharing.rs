//! How well the members of a group share unequal work.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use conduit::Message;
use conduit_json::Json;
use conduit_sim::check;
use fastrand::Rng;

use crate::net::{Net, Result};

const MEMBERS: usize = 4;
const EACH: usize = 4;
const REQUESTS: usize = 64;

/// The members of a group refuse what they have no room for, and their askers ask again. All of it
/// takes at most half as long again as where one who knows everything beforehand shares the work.
#[test]
fn a_group_shares_unequal_work_well() {
    check(50, |sim| {
        let mut rng = Rng::with_seed(sim.random());
        let times: Vec<_> =
            (0..REQUESTS).map(|_| Duration::from_millis(rng.u64(50..=1_000))).collect();
        let net = Net::of(sim.clone());
        let ideal = ideal(&times);
        let taken = sim.block_on(share(net, times))?;
        let ratio = taken.as_secs_f64() / ideal.as_secs_f64();
        if ratio > 1.5 {
            return Err(format!("{taken:?}, and {ideal:?} would do: {ratio:.2}").into());
        }
        Ok(())
    });
}

/// How long the work takes if the longest part that is left always goes to whoever is free first.
fn ideal(times: &[Duration]) -> Duration {
    let mut times = times.to_vec();
    times.sort();
    let mut free = [Duration::ZERO; MEMBERS * EACH];
    for time in times.into_iter().rev() {
        if let Some(first) = free.iter_mut().min() {
            *first += time;
        }
    }
    free.into_iter().max().unwrap_or_default()
}

/// How long the group takes.
async fn share(net: Arc<Net>, times: Vec<Duration>) -> Result<Duration> {
    let mut members = Vec::new();
    for _ in 0..MEMBERS {
        let member = net.conduit("worker")?;
        let (running, clock) = (Arc::new(AtomicUsize::new(0)), net.sim.clone());
        let binding = member.queue_bind("work").await?.concurrency(EACH);
        binding.to(move |message: Message<Json>| {
            let (running, clock) = (Arc::clone(&running), clock.clone());
            async move {
                let before = running.fetch_add(1, Ordering::SeqCst);
                assert!(before < EACH, "{before} run already");
                clock.sleep(Duration::from_millis(message.decode().await?)).await;
                running.fetch_sub(1, Ordering::SeqCst);
                message.reply(&()).await
            }
        });
        members.push(member);
    }
    let asker = net.conduit("asker")?;
    let process = net.sim.process();
    let before = net.sim.elapsed();
    let mut asked = Vec::new();
    for time in times {
        let millis = u64::try_from(time.as_millis())?;
        let asking = asker.service("worker").request("work", &millis);
        asked.push(process.run(asking));
    }
    for asked in asked {
        asked.await.ok_or("it was killed")??;
    }
    Ok(net.sim.elapsed() - before)
}
