//! Many requests at once.

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use conduit::{Client, Encoder};
use futures_lite::{StreamExt, stream};

use crate::Under;

/// What a round of requests took.
#[derive(Debug, Clone, Copy)]
pub struct Latencies {
    /// Requests a second.
    pub rate: f64,
    /// The mean time of one, in microseconds.
    pub mean: f64,
    /// The time that 99 of 100 stay below, in microseconds.
    pub p99: f64,
}

/// Makes `count` requests, of which `at_once` are in flight, each from a task of its own.
pub fn in_flight<F, R>(under: &Under, count: u64, at_once: usize, ask: F) -> Latencies
where
    F: Fn() -> R + Clone + Send + 'static,
    R: Future<Output = ()> + Send + 'static,
{
    let left = Arc::new(AtomicU64::new(count));
    let start = Instant::now();
    let asker = || {
        let (ask, left) = (ask.clone(), Arc::clone(&left));
        async move {
            let mut times = Vec::new();
            let take = |left: u64| left.checked_sub(1);
            while left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok() {
                let start = Instant::now();
                ask().await;
                times.push(start.elapsed());
            }
            times
        }
    };
    let askers: Vec<_> = (0..at_once).map(|_| under.spawn(asker())).collect();
    let collect = stream::iter(askers).then(|asker| asker).collect::<Vec<Vec<Duration>>>();
    let times: Vec<_> = under.run(collect).into_iter().flatten().collect();
    Latencies::of(times, start.elapsed().as_secs_f64())
}

impl Latencies {
    /// Those of times that were measured within some seconds.
    #[must_use]
    pub fn of(mut times: Vec<Duration>, seconds: f64) -> Self {
        times.sort();
        let micros = |time: Duration| time.as_secs_f64() * 1e6;
        #[allow(clippy::cast_precision_loss)]
        let number = times.len() as f64;
        let all: Duration = times.iter().sum();
        let p99 = times.get(times.len() * 99 / 100).copied().unwrap_or_default();
        Self { rate: number / seconds, mean: micros(all) / number, p99: micros(p99) }
    }
}

/// One request with a body of `size` bytes, answered by as many.
///
/// # Panics
/// Where it fails.
pub async fn request<E: Encoder>(service: Client<E>, subject: conduit::Subject, size: usize) {
    let reply = service.request_body(subject, vec![7; size]).await.expect("a reply");
    let body = reply.to_bytes().await.expect("the reply's body");
    assert_eq!(body.len(), size);
}
