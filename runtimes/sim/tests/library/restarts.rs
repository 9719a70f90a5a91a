//! The broker restarts while a body is on its way.

use std::{sync::Arc, time::Duration};

use conduit::{Error, ErrorKind, Executed, Message};
use conduit_json::Json;
use futures_lite::{StreamExt, future};

use crate::net::{Net, Result};

/// Reads a body of a megabyte, and restarts the broker when a part of it is there.
async fn restart_at(
    net: Arc<Net>,
    percent: usize,
    down: Duration,
    message: Message<Json>,
) -> Result<usize, Error> {
    let mut body = message.take_body()?;
    let (mut count, mut restarted) = (0, false);
    while let Some(bytes) = body.next().await {
        count += bytes?.len();
        if !restarted && count >= 1_000_000 / 100 * percent {
            restarted = true;
            net.broker.stop_broker();
            let late = Arc::clone(&net);
            drop(net.sim.process().run(async move {
                late.sim.sleep(down).await;
                late.broker.start_broker();
            }));
        }
    }
    Ok(count)
}

#[test]
fn a_stream_survives_a_restart_of_the_broker() -> Result {
    for percent in [0, 25, 50, 75, 99] {
        Net::run(percent as u64, |net| async move {
            let (sender, receiver) = (net.conduit("sender")?, net.conduit("receiver")?);
            let mut songs = receiver.queue_bind("song").await?;
            net.slow_network();
            let song = sender.service("receiver").send_body("song", vec![7; 1_000_000]);
            let reading = async {
                let message = songs.next().await.expect("it is bound");
                restart_at(Arc::clone(&net), percent, Duration::from_secs(1), message).await
            };
            let (sent, read) = future::zip(song, reading).await;
            assert_eq!((sent?.completed().len(), read?), (1, 1_000_000));
            net.is_released(&[&sender, &receiver]).await;
            Ok(())
        })?;
    }
    Ok(())
}

#[test]
fn a_broadcast_survives_a_restart_of_the_broker() -> Result {
    for percent in [25, 50, 75] {
        Net::run(percent as u64, |net| async move {
            let (sender, receiver) = (net.conduit("sender")?, net.conduit("receiver")?);
            let others = [net.conduit("receiver")?, net.conduit("receiver")?];
            let mut songs = receiver.bind("song").await?;
            for other in &others {
                other
                    .bind("song")
                    .await?
                    .to(|message| async move { message.to_bytes().await.map(drop) });
            }
            net.slow_network();
            let song = sender.service("receiver").send_body("song", vec![7; 1_000_000]);
            let reading = async {
                let message = songs.next().await.expect("it is bound");
                restart_at(Arc::clone(&net), percent, Duration::from_secs(1), message).await
            };
            let (sent, read) = future::zip(song, reading).await;
            assert_eq!((sent?.completed().len(), read?), (3, 1_000_000));
            net.is_released(&[&sender, &receiver, &others[0], &others[1]]).await;
            Ok(())
        })?;
    }
    Ok(())
}

#[test]
fn a_streamed_reply_survives_a_restart_of_the_broker() -> Result {
    for percent in [25, 50, 75] {
        Net::run(percent as u64, |net| async move {
            let (asker, worker) = (net.conduit("asker")?, net.conduit("worker")?);
            worker
                .queue_bind("sing")
                .await?
                .to(|message| async move { message.reply_body(vec![7; 1_000_000]).await });
            net.slow_network();
            let reply = asker.service("worker").request("sing", &()).await?;
            let read = restart_at(Arc::clone(&net), percent, Duration::from_secs(1), reply).await;
            assert_eq!(read?, 1_000_000);
            net.is_released(&[&asker, &worker]).await;
            Ok(())
        })?;
    }
    Ok(())
}

#[test]
fn a_broker_that_is_gone_for_longer_ends_a_stream_at_both_sides() -> Result {
    Net::run(1, |net| async move {
        let (sender, receiver) = (net.conduit("sender")?, net.conduit("receiver")?);
        let mut songs = receiver.queue_bind("song").await?;
        net.slow_network();
        let song = sender.service("receiver").send_body("song", vec![7; 1_000_000]);
        let reading = async {
            let message = songs.next().await.expect("it is bound");
            restart_at(Arc::clone(&net), 50, Duration::from_secs(3_600), message).await
        };
        let (sent, read) = future::zip(song, reading).await;
        assert_eq!(sent.expect_err("nothing is heard").kind(), ErrorKind::Lost);
        assert_eq!(read.expect_err("nothing is heard").kind(), ErrorKind::Lost);
        assert!(net.sim.elapsed() < Duration::from_secs(15));
        net.is_released(&[&sender, &receiver]).await;
        Ok(())
    })
}

#[test]
fn a_broker_that_is_gone_for_longer_ends_a_reply_at_both_sides() -> Result {
    Net::run(1, |net| async move {
        let (asker, worker) = (net.conduit("asker")?, net.conduit("worker")?);
        let mut songs = worker.queue_bind("sing").await?;
        net.slow_network();
        let replying = async {
            let request = songs.next().await.expect("it is bound");
            request.reply_body(vec![7; 1_000_000]).await
        };
        let reading = async {
            let reply = asker.service("worker").request("sing", &()).await?;
            restart_at(Arc::clone(&net), 50, Duration::from_secs(3_600), reply).await
        };
        let (replied, read) = future::zip(replying, reading).await;
        let error = replied.expect_err("nothing is heard");
        assert_eq!((error.kind(), error.executed()), (ErrorKind::Lost, Executed::Maybe));
        let error = read.expect_err("nothing is heard");
        // Who replied was executed, whatever became of the reply.
        assert_eq!((error.kind(), error.executed()), (ErrorKind::Lost, Executed::Yes));
        assert!(net.sim.elapsed() < Duration::from_secs(15));
        net.is_released(&[&asker, &worker]).await;
        Ok(())
    })
}
