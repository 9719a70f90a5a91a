//! Measures a broker between two conduits of its own.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use conduit::{Body, Conduit};
use futures_lite::stream;
use serde_json::json;

use crate::{
    args::{Bench, Broker, Show},
    body::Shared,
    broker::{Raw, instance},
    exit::Exit,
    show, until_interrupted,
};

/// What one measurement found.
struct Found {
    what: &'static str,
    count: u64,
    bytes: u64,
    took: Duration,
    /// How long each took, in order; empty where they were not timed one by one.
    each: Vec<Duration>,
}

pub(crate) async fn bench(broker: &Broker, show: &Show, args: &Bench) -> Result<(), Exit> {
    // A service of its own, so that several can run at the same time.
    let name = format!("conduit-bench-{}", std::process::id());
    let asker = broker.asker(None).await?;
    let worker = broker.connect(instance(&name, None)).await?;
    let measuring = async {
        for found in [
            send(&asker, &worker, args).await?,
            request(&asker, &worker, args).await?,
            stream(&asker, &worker, args).await?,
        ] {
            found.show(show)?;
        }
        Ok(())
    };
    let measured = until_interrupted(measuring).await;
    asker.close().await;
    worker.close().await;
    measured
}

async fn send(asker: &Conduit<Raw>, worker: &Conduit<Raw>, args: &Bench) -> Result<Found, Exit> {
    let mut binding = worker.bind("send").await?;
    let received = Shared::default();
    let counting = received.clone();
    let reading = tokio::spawn(async move {
        while binding.next().await.is_some() {
            counting.add(1);
        }
    });
    let (service, body) = (asker.service(worker.name()), vec![7; args.size]);
    let start = Instant::now();
    while start.elapsed() < args.duration {
        for _ in 0..64 {
            service.send_body("send", &body[..]).await?;
        }
        // Lets the reader run, where there is one processor.
        tokio::task::yield_now().await;
    }
    asker.flush().await?;
    let took = start.elapsed();
    reading.abort();
    let count = received.get();
    Ok(Found { what: "send", count, bytes: count * args.size as u64, took, each: Vec::new() })
}

async fn request(asker: &Conduit<Raw>, worker: &Conduit<Raw>, args: &Bench) -> Result<Found, Exit> {
    let echo = worker.queue_bind("echo").await?.concurrency(args.concurrency);
    let worker_handle = echo.to(async |message| message.reply_body(message.take_body()?).await);
    let (service, body) = (asker.service(worker.name()), Arc::<[u8]>::from(vec![7; args.size]));
    let start = Instant::now();
    let ask = |_| {
        let (service, body, limit) = (service.clone(), Arc::clone(&body), args.duration);
        tokio::spawn(async move {
            let mut each = Vec::new();
            while start.elapsed() < limit {
                let asked = Instant::now();
                service.request_body("echo", &body[..]).await?.to_bytes().await?;
                each.push(asked.elapsed());
            }
            Ok::<_, conduit::Error>(each)
        })
    };
    let asking: Vec<_> = (0..args.concurrency.max(1)).map(ask).collect();
    let mut each = Vec::new();
    for asking in asking {
        let asked = asking.await.map_err(|error| Exit::local(error.to_string()))?;
        each.extend(asked?);
    }
    let took = start.elapsed();
    worker_handle.unbind().await;
    each.sort_unstable();
    let count = each.len() as u64;
    Ok(Found { what: "request", count, bytes: 2 * count * args.size as u64, took, each })
}

async fn stream(asker: &Conduit<Raw>, worker: &Conduit<Raw>, args: &Bench) -> Result<Found, Exit> {
    let worker_handle = worker.queue_bind("stream").await?.to(async |message| {
        let mut body = message.take_body()?;
        futures_lite::io::copy(&mut body, &mut futures_lite::io::sink()).await.map(drop)
    });
    let piece = bytes::Bytes::from(vec![7; 64 << 10]);
    let (start, limit, sent) = (Instant::now(), args.duration, Shared::default());
    let counting = sent.clone();
    let pieces = std::iter::from_fn(move || {
        let is_over = start.elapsed() >= limit;
        (!is_over).then(|| {
            counting.add(piece.len());
            Ok(piece.clone())
        })
    });
    let body = Body::stream(stream::iter(pieces));
    asker.service(worker.name()).send_body("stream", body).expect(1).await?;
    let took = start.elapsed();
    worker_handle.unbind().await;
    Ok(Found { what: "stream", count: 1, bytes: sent.get(), took, each: Vec::new() })
}

impl Found {
    fn show(&self, show: &Show) -> Result<(), Exit> {
        let Self { what, count, bytes, took, each } = self;
        let per_second = |amount: u64| {
            let micros = took.as_micros().max(1);
            u64::try_from(u128::from(amount) * 1_000_000 / micros).unwrap_or(u64::MAX)
        };
        let (rate, flow) = (per_second(*count), per_second(*bytes));
        let at = |percent: usize| {
            let place = (each.len() * percent / 100).min(each.len().saturating_sub(1));
            let time = each.get(place).copied().unwrap_or_default();
            u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
        };
        let (median, slow, worst) = (at(50), at(99), at(100));
        if show.json {
            let mut object = json!({
                "what": what, "count": count, "bytes": bytes, "per_second": rate,
                "bytes_per_second": flow, "seconds": took.as_secs_f64(),
            });
            if !each.is_empty() {
                object["median_us"] = median.into();
                object["p99_us"] = slow.into();
                object["longest_us"] = worst.into();
            }
            return show::json(&object);
        }
        let mut line = format!("{what:8}");
        if *what == "stream" {
            line += &format!("{}/s", show::bytes(flow));
        } else {
            line += &format!("{rate}/s, {}/s", show::bytes(flow));
        }
        if !each.is_empty() {
            let [median, slow, worst] = [median, slow, worst].map(show::micros);
            line += &format!(", median {median}, p99 {slow}, longest {worst}");
        }
        show::print(&(line + "\n"))
    }
}
