use std::time::Duration;

use conduit::{Error, ErrorKind, Executed, Message};
use conduit_json::Json;
use conduit_layers::{Timeout, Times};
use futures_lite::future;

use crate::{Result, World};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn each_subject_has_its_times() -> Result {
    World::run(|world| async move {
        let timeout = Timeout::new(Times::whole(2 * SECOND))
            .subject("long".parse()?, Times::whole(60 * SECOND))
            .subject("first".parse()?, Times::whole(60 * SECOND).first_byte(3 * SECOND));
        let node = world.node("worker")?;
        for subject in ["short", "long", "first"] {
            let binding = node.queue_bind(subject).await?;
            binding.to(async |_: Message<Json>| future::pending::<()>().await);
        }
        let service = node.own_service().layer(timeout);
        for (subject, time) in [("short", 2), ("long", 30), ("first", 3)] {
            let before = world.sim.elapsed();
            let error = service.request(subject, "x").await.expect_err("it never replies");
            let told = (error.kind(), error.executed());
            assert_eq!(told, (ErrorKind::Deadline, Executed::Maybe), "{subject}: {error}");
            // The conduit's own timeout of 30 s stays.
            assert_eq!(world.sim.elapsed() - before, time * SECOND, "{subject}");
            world.sim.sleep(SECOND).await;
            assert_eq!(node.stats().open_requests, 0, "{subject}: its handler is cancelled");
        }
        Ok(())
    })
}

#[test]
fn the_time_to_the_first_byte_does_not_end_a_reply_that_has_begun() -> Result {
    World::run(|world| async move {
        let times = Times::whole(20 * SECOND).first_byte(SECOND);
        let node = world.node("worker")?;
        let clock = world.sim.clone();
        node.queue_bind("slow").await?.to(move |message: Message<Json>| {
            let clock = clock.clone();
            async move {
                let (mut writer, body) = conduit::Body::writer();
                let writing = async move {
                    for _ in 0..10 {
                        futures_lite::AsyncWriteExt::write_all(&mut writer, &[7; 20_000]).await?;
                        clock.sleep(SECOND).await;
                    }
                    writer.finish();
                    Ok::<_, std::io::Error>(())
                };
                let (written, replied) = future::zip(writing, message.reply_body(body)).await;
                replied.and(written.map_err(|_| Error::from(ErrorKind::BodyFailed)))
            }
        });
        let service = node.own_service().layer(Timeout::new(times));
        let reply = service.request("slow", "x").await?;
        assert_eq!(reply.to_bytes().await?.len(), 200_000);
        let service = node.own_service().layer(Timeout::new(Times::whole(5 * SECOND)));
        let reply = service.request("slow", "x").await?;
        let error = reply.to_bytes().await.expect_err("its whole time is over");
        assert_eq!(error.kind(), ErrorKind::Deadline);
        Ok(())
    })
}
