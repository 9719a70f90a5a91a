use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};

use conduit::{
    Body, Error, ErrorKind, Executed, Failure,
    layer::{Arriving, Layer, Refusal},
};
use conduit_layers::{Budget, Retry};

use crate::{Result, World};

/// Refuses the first messages.
#[derive(Clone)]
struct First(u32, fn() -> Refusal, Arc<AtomicU32>);

impl Layer for First {
    fn accept(&self, _: &mut Arriving<'_>) -> Result<(), Refusal> {
        if self.2.fetch_add(1, Relaxed) < self.0 { Err(self.1()) } else { Ok(()) }
    }
}

fn busy() -> Refusal {
    Refusal::busy("later")
}

#[test]
fn what_was_not_executed_is_tried_again() -> Result {
    World::run(|world| async move {
        let client = world.node("client")?;
        let service = client.service("worker").layer(Retry::new());
        let starts = world.sim.clone();
        let builder = world.builder("worker");
        // Nothing is bound at first.
        let starting = world.sim.process().run(async move {
            starts.sleep(Duration::from_millis(25)).await;
            let worker = builder.build()?;
            worker.queue_bind("size").await?.serve(async |text: String| Ok::<_, Error>(text.len()));
            Ok::<_, Error>(worker)
        });
        let reply = service.request("size", "four").await?;
        assert_eq!(reply.decode::<usize>().await?, 4);
        let worker = starting.await.ok_or("it is not killed")??;
        worker.close().await;
        let error = service.request("size", "four").await.expect_err("it is gone");
        assert_eq!(error.kind(), ErrorKind::NoReceivers);
        Ok(())
    })
}

#[test]
fn what_may_have_been_executed_is_not_unless_it_is_idempotent() -> Result {
    World::run(|world| async move {
        let node = world.node("worker")?;
        let runs = Arc::<AtomicU32>::default();
        let count = Arc::clone(&runs);
        node.queue_bind("fail").await?.serve(move |times: u32| {
            let run = count.fetch_add(1, Relaxed) + 1;
            async move {
                match run < times {
                    true => Err(Failure::new("locked", "the table is locked").transient()),
                    false => Ok(run),
                }
            }
        });
        let service = node.own_service().layer(Retry::new());
        let error = service.request("fail", &3).await.expect_err("it fails");
        assert_eq!((error.executed(), runs.swap(0, Relaxed)), (Executed::Yes, 1));
        let retry = Retry::new().idempotent(|call| call.subject().as_str() == "fail");
        let service = node.own_service().layer(retry);
        let reply = service.request("fail", &3).await?;
        assert_eq!((reply.decode::<u32>().await?, runs.swap(0, Relaxed)), (3, 3));
        let error = service.request("fail", &99).await.expect_err("it always fails");
        assert_eq!((error.failure().map(Failure::code), runs.load(Relaxed)), (Some("locked"), 4));
        Ok(())
    })
}

#[test]
fn what_is_refused_for_good_is_not_tried_again() -> Result {
    World::run(|world| async move {
        let first = First(u32::MAX, || Refusal::refused("never"), Arc::default());
        let node = world.builder("worker").layer(first.clone()).build()?;
        node.queue_bind("size").await?.serve(async |text: String| Ok::<_, Error>(text.len()));
        let service = node.own_service().layer(Retry::new());
        let error = service.request("size", "four").await.expect_err("it is refused");
        assert_eq!((error.kind(), first.2.load(Relaxed)), (ErrorKind::Refused, 1));
        Ok(())
    })
}

#[test]
fn a_body_that_is_not_in_memory_is_sent_once() -> Result {
    World::run(|world| async move {
        let node = world.node("client")?;
        let retry = Retry::new().pause(Duration::from_secs(1), Duration::from_secs(1));
        let service = node.service("nobody").layer(retry);
        for (body, tries) in [
            (Body::from(vec![7; 100_000]), 4_u32),
            (Body::reader(futures_lite::io::Cursor::new(vec![7; 100_000])), 1),
        ] {
            let before = world.sim.elapsed();
            let sent = service.send_body("size", body).confirm().await;
            assert_eq!(sent.expect_err("nothing is bound").kind(), ErrorKind::NoReceivers);
            let pauses = world.sim.elapsed() - before;
            let (least, most) = (500 * (tries - 1), 1_000 * (tries - 1) + 500);
            let range = Duration::from_millis(least.into())..Duration::from_millis(most.into());
            assert!(range.contains(&pauses), "{tries} tries took {pauses:?}");
        }
        Ok(())
    })
}

#[test]
fn retries_stop_at_the_deadline_and_with_the_budget() -> Result {
    World::run(|world| async move {
        let node = world.node("client")?;
        let hour = Duration::from_secs(3600);
        let service = node.service("nobody").layer(Retry::new().tries(1_000).pause(hour, hour));
        let asked = service.request("size", "x").timeout(Duration::from_secs(1)).await;
        assert_eq!(asked.expect_err("nothing is bound").kind(), ErrorKind::NoReceivers);
        assert!(world.sim.elapsed() < Duration::from_secs(1), "it does not wait in vain");

        let first = First(u32::MAX, busy, Arc::default());
        let worker = world.builder("worker").layer(first.clone()).build()?;
        worker.queue_bind("size").await?.serve(async |text: String| Ok::<_, Error>(text.len()));
        let retry = Retry::new().budget(Budget::new(0.1, 5));
        let service = node.service("worker").layer(retry);
        let calls = 50;
        for _ in 0..calls {
            let sent = service.send_body("size", vec![7; 20_000]).await;
            assert_eq!(sent.expect_err("it is busy").kind(), ErrorKind::Overloaded);
        }
        let without = world.node("other")?.service("worker");
        let before = first.2.swap(0, Relaxed);
        for _ in 0..calls {
            without.send_body("size", vec![7; 20_000]).await.expect_err("it is busy");
        }
        // Each try is offered as often as one without the layer.
        let tries = f64::from(before) * f64::from(calls) / f64::from(first.2.load(Relaxed));
        assert!((59.5..60.5).contains(&tries), "{tries} tries of {calls} calls");
        Ok(())
    })
}
