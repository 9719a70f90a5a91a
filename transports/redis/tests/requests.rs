//! Requests, many and to nobody.

mod support;

use conduit::{ErrorKind, Executed, Runtime};
use support::{Outcome, Server, connected, run, with_every_runtime};

with_every_runtime!(a_thousand_requests_to_nobody, three_askers_and_three_answerers);

async fn a_thousand_requests_to_nobody(runtime: impl Runtime + Clone) -> Outcome {
    let server = Server::start();
    let asker = connected("asker", &runtime, &server).await?.build()?;
    for _ in 0..1_000 {
        let error = asker.service("nobody").request("job", "?").await.map(drop);
        let error = error.expect_err("nobody listens");
        assert_eq!((error.kind(), error.executed()), (ErrorKind::NoReceivers, Executed::No));
    }
    Ok(())
}

async fn three_askers_and_three_answerers(runtime: impl Runtime + Clone) -> Outcome {
    const EACH: usize = 3_400;
    const AT_ONCE: usize = 34;
    let server = Server::start();
    let mut workers = Vec::new();
    for _ in 0..3 {
        let worker = connected("worker", &runtime, &server).await?.build()?;
        worker.queue_bind("echo").await?.concurrency(64).to(|message| async move {
            let text = message.text().await?;
            message.reply(&text).await
        });
        workers.push(worker);
    }
    let mut asking = Vec::new();
    for asker in 0..3 {
        let conduit = connected("asker", &runtime, &server).await?.build()?;
        for task in 0..AT_ONCE {
            let to = conduit.service("worker");
            asking.push(run(&runtime, async move {
                for number in 0..EACH / AT_ONCE {
                    let text = format!("{asker} {task} {number}");
                    let reply = to.request("echo", &text).await?;
                    assert_eq!(reply.text().await?, text);
                }
                Ok::<_, conduit::Error>(())
            }));
        }
    }
    for asked in asking {
        asked.await?;
    }
    Ok(())
}
