//! Handlers whose asker is gone without a word.

use std::time::Duration;

use conduit::{Conduit, Runtime as _};
use conduit_json::Json;

use crate::support::world::{TestResult, World, secs};

/// How long a handler runs for an asker that sets no limit, and loses its connection for so long.
/// With it, what the asker gets.
fn run(outage: Duration) -> (Duration, Result<String, conduit::ErrorKind>) {
    World::run(|world| async move {
        let worker = world.node("worker").expect("it is built");
        let sim = world.sim.clone();
        let (ends, ended) = async_channel::bounded::<()>(1);
        worker.queue_bind("job").await.expect("bound").to(move |message| {
            let (sim, ends) = (sim.clone(), ends.clone());
            async move {
                let _ends_when_dropped = CloseOnDrop(ends);
                sim.sleep(secs(60)).await;
                message.reply(&"done").await
            }
        });
        let connection = world.broker.clone();
        let link = connection.link();
        let asker = Conduit::new("asker", world.sim.clone(), connection, Json).expect("built");
        let asked = world.sim.go(async move {
            let reply = asker.service("worker").request("job", &()).no_timeout().await?;
            reply.decode::<String>().await
        });
        // By then it has heard that its request is there.
        world.sim.sleep(secs(4)).await;
        let before = world.sim.now();
        link.disconnect();
        let linked = world.sim.clone();
        world.sim.spawn(Box::pin(async move {
            linked.sleep(outage).await;
            link.reconnect();
        }));
        ended.recv().await.expect_err("it only closes");
        let took = world.sim.now() - before;
        let answer = asked.recv().await.expect("the asker lives");
        (took, answer.map_err(|error| error.kind()))
    })
}

struct CloseOnDrop(async_channel::Sender<()>);

impl Drop for CloseOnDrop {
    fn drop(&mut self) {
        self.0.close();
    }
}

#[test]
fn a_handler_is_dropped_when_its_asker_was_gone_for_the_idle_limit() -> TestResult {
    let (took, answer) = run(secs(100));
    assert!((secs(10)..secs(15)).contains(&took), "{took:?}");
    assert!(answer.is_err());
    Ok(())
}

#[test]
fn an_asker_that_is_back_in_time_gets_its_answer() -> TestResult {
    let (took, answer) = run(secs(7));
    assert_eq!(took, secs(56));
    assert_eq!(answer, Ok("done".to_owned()));
    Ok(())
}
