//! How often a small message allocates, from send to decoded: a bound that holds it down.

use conduit::{Conduit, Subject};
use conduit_json::Json;
use conduit_memory::Memory;
use conduit_sim::Sim;
use serde::{Deserialize, Serialize};

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Reading {
    sensor: u64,
    value: i64,
}

const COUNT: u32 = 1_000;

/// Allocations for each of many, rounded down: what is made now and then does not count.
fn each(before: &dhat::HeapStats) -> u64 {
    let after = dhat::HeapStats::get();
    (after.total_blocks - before.total_blocks) / u64::from(COUNT)
}

/// One test, since the count is of the whole process.
#[test]
fn a_small_message_allocates_little() {
    let _profiler = dhat::Profiler::builder().testing().build();
    // One thread, and a clock that stands still while anything can run: no timer meddles.
    let sim = Sim::new(7);
    let (one_way, request) = sim.block_on(measure(&sim));
    println!("allocations: {one_way} one way, {request} for a request and its reply");
    assert!(one_way <= 2, "{one_way} allocations for a message");
    assert!(request <= 14, "{request} allocations for a request and its reply");
}

async fn measure(sim: &Sim) -> (u64, u64) {
    let broker = Memory::new();
    let sender = Conduit::new("sender", sim.clone(), broker.clone(), Json).expect("made");
    let receiver = Conduit::new("receiver", sim.clone(), broker, Json).expect("made");
    let service = sender.service("receiver");
    let reading = Reading { sensor: 7, value: -40 };

    let subject: Subject = "sensor.read".parse().expect("a subject");
    let mut binding = receiver.bind(&subject).await.expect("a binding");
    let mut before = None;
    for round in 0..2 {
        // What grows once has grown after the first round.
        before = (round == 1).then(dhat::HeapStats::get);
        for _ in 0..COUNT {
            service.send(&subject, &reading).await.expect("sent");
            let message = binding.next().await.expect("a message");
            assert_eq!(message.decode::<Reading>().await.expect("decoded"), reading);
        }
    }
    let one_way = each(&before.expect("a second round"));

    let subject: Subject = "sensor.check".parse().expect("a subject");
    let checks = receiver.queue_bind(&subject).await.expect("a binding");
    checks.to(|message| async move {
        let reading: Reading = message.decode().await?;
        message.reply(&reading).await
    });
    let mut before = None;
    for round in 0..2 {
        before = (round == 1).then(dhat::HeapStats::get);
        for _ in 0..COUNT {
            let reply = service.request(&subject, &reading).await.expect("a reply");
            assert_eq!(reply.decode::<Reading>().await.expect("decoded"), reading);
        }
    }
    (one_way, each(&before.expect("a second round")))
}
