//! What a conduit holds that has nothing to do.

use std::time::Duration;

use conduit::{Conduit, Message};
use conduit_json::Json;
use conduit_memory::Memory;
use conduit_sim::Sim;
use futures_lite::future;
use peak_alloc::PeakAlloc;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

const MOST: usize = 64 << 10;

const REQUESTS: usize = 100_000;

/// The default idle limit.
const IDLE_LIMIT: Duration = Duration::from_secs(10);

/// One test, since what is held is of the whole process.
#[test]
fn an_idle_conduit_holds_little() {
    // One thread, and a clock that stands still while anything can run.
    let sim = Sim::new(7);
    let (idle, after) = sim.block_on(measure(&sim));
    println!("an idle conduit holds {idle} bytes, and {after} one idle limit after a burst");
    assert!(idle <= MOST, "{idle} bytes");
    assert!(after <= MOST, "{after} bytes");
}

/// What each of two conduits holds before a burst, and one idle limit after it.
async fn measure(sim: &Sim) -> (usize, usize) {
    let broker = Memory::new();
    let before = ALLOCATOR.current_usage();
    let held = || ALLOCATOR.current_usage().saturating_sub(before) / 2;
    let asker = Conduit::new("asker", sim.clone(), broker.clone(), Json).expect("made");
    let answerer = Conduit::new("answerer", sim.clone(), broker, Json).expect("made");
    let mut binding = answerer.queue_bind("x").await.expect("a binding");
    sim.sleep(IDLE_LIMIT).await;
    let idle = held();

    let service = asker.service("answerer");
    let mut asked = Vec::new();
    let mut taken: Vec<Message<Json>> = Vec::new();
    while asked.len() < REQUESTS {
        for number in 0..250_u64 {
            let mut request = Box::pin(service.request("x", &number).no_timeout());
            assert!(future::poll_once(&mut request).await.is_none(), "nothing has answered");
            asked.push(request);
        }
        for _ in 0..250 {
            taken.push(binding.next().await.expect("it is bound"));
        }
    }
    assert_eq!(asker.stats().pending_requests, REQUESTS);
    // Half of them are given up, and half are answered.
    drop(asked.split_off(REQUESTS / 2));
    for message in taken {
        message.reply(&0_u64).await.ok();
    }
    for request in asked {
        request.await.expect("a reply").decode::<u64>().await.expect("a number");
    }
    // At the very end of the limit, others come first.
    sim.sleep(IDLE_LIMIT + Duration::from_nanos(1)).await;
    (idle, held())
}
