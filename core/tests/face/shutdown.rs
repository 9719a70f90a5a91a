//! A conduit that drains when its program is asked to end.

use conduit::{ConduitState, Runtime as _};

use crate::support::world::{TestResult, World, secs};

#[test]
fn it_drains_when_asked_and_at_once_when_asked_again() -> TestResult {
    World::run(|world| async move {
        for (asked_again, takes, finished) in [(None, 20, 1), (Some(3), 3, 0)] {
            let (node, sim, start) = (world.node("worker")?, world.sim.clone(), world.sim.now());
            let timer = sim.clone();
            node.queue_bind("job").await?.to(move |_message| {
                let timer = timer.clone();
                async move { timer.sleep_until(start + secs(20)).await }
            });
            node.own_service().send("job", &1).await?;
            let (ask, asked) = async_channel::unbounded();
            let other = node.clone();
            let drained = sim.go(async move { other.drain_when(asked, secs(60)).await });
            sim.sleep_until(start + secs(1)).await;
            assert_eq!(node.state(), ConduitState::Running);
            ask.send(()).await?;
            if let Some(at) = asked_again {
                sim.sleep_until(start + secs(at)).await;
                assert_eq!(node.state(), ConduitState::Draining);
                ask.send(()).await?;
            } else {
                // The end of the stream, after which nothing asks again, does not hurry it.
                drop(ask);
            }
            let drained = drained.recv().await?;
            assert_eq!((drained.finished, drained.aborted), (finished, 1 - finished));
            assert_eq!(sim.now(), start + secs(takes));
        }
        Ok(())
    })
}

#[test]
fn it_returns_when_the_conduit_closes_by_itself() -> TestResult {
    World::run(|world| async move {
        let node = world.node("worker")?;
        let other = node.clone();
        let never = futures_lite::stream::pending::<()>();
        let drained = world.sim.go(async move { other.drain_when(never, secs(60)).await });
        node.close().await;
        assert_eq!(drained.recv().await?.aborted, 0);
        Ok(())
    })
}
