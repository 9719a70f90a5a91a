//! A process that is killed in the middle of a body, or while it waits for an answer.

mod support;

use std::time::Duration;

use conduit::{Conduit, ErrorKind, Executed, Message};
use conduit_redis::Redis;
use conduit_tokio::Tokio;
use futures_lite::future;
use support::{
    Outcome, Process, Server, Text, body, builder, read, released, server_url, tokio_multi_thread,
};

const LENGTH: u64 = 1 << 30;

/// Short, since every test waits for it to pass.
const IDLE_LIMIT: Duration = Duration::from_secs(3);

async fn conduit(
    service: &str,
    url: String,
) -> Result<Conduit<Text>, Box<dyn std::error::Error + Send + Sync>> {
    let half = builder(service, Tokio, Redis::connect(url).await?);
    Ok(half.idle_limit(IDLE_LIMIT).build()?)
}

/// Reads, and does something once a part is there.
async fn read_and(message: &Message<Text>, then: impl FnOnce()) -> Result<(), conduit::Error> {
    let mut then = Some(then);
    let progress = |at| {
        if at >= LENGTH / 32
            && let Some(then) = then.take()
        {
            then();
        }
    };
    read(message.take_body()?, progress).await.map(drop)
}

#[test]
#[ignore = "run by the test below, in a process of its own"]
fn sender() -> Outcome {
    tokio_multi_thread(async {
        let sender = conduit("sender", server_url()).await?;
        sender.service("receiver").send_body("upload", body(LENGTH)).await?;
        Ok(())
    })
}

#[test]
fn a_receiver_notices_that_its_sender_was_killed() -> Outcome {
    tokio_multi_thread(async {
        let server = Server::start();
        let receiver = conduit("receiver", server.url()).await?;
        let mut binding = receiver.queue_bind("upload").await?;
        let before = [(&receiver, receiver.stats())];
        let mut sender = Process::start("sender", &server.url());
        let message = binding.next().await.expect("it is bound");
        let error = read_and(&message, || sender.kill()).await.expect_err("its sender is gone");
        assert_eq!((error.kind(), error.executed()), (ErrorKind::Lost, Executed::Maybe));
        drop(message);
        released(&before).await;
        Ok(())
    })
}

#[test]
#[ignore = "run by the test below, in a process of its own"]
fn receiver() -> Outcome {
    tokio_multi_thread(async {
        let receiver = conduit("receiver", server_url()).await?;
        let mut binding = receiver.queue_bind("upload").await?;
        eprintln!("bound");
        let message = binding.next().await.expect("it is bound");
        read_and(&message, || eprintln!("begun")).await?;
        Ok(())
    })
}

#[test]
fn a_sender_notices_that_its_receiver_was_killed() -> Outcome {
    tokio_multi_thread(async {
        let server = Server::start();
        let sender = conduit("sender", server.url()).await?;
        let before = [(&sender, sender.stats())];
        let mut receiver = Process::start("receiver", &server.url());
        receiver.says("bound").await;
        let sending = sender.service("receiver").send_body("upload", body(LENGTH));
        let sent = support::run(&Tokio, sending);
        receiver.says("begun").await;
        receiver.kill();
        let error = sent.await.expect_err("its receiver is gone");
        assert_eq!((error.kind(), error.executed()), (ErrorKind::Lost, Executed::Maybe));
        released(&before).await;
        Ok(())
    })
}

#[test]
#[ignore = "run by the test below, in a process of its own"]
fn asker() -> Outcome {
    tokio_multi_thread(async {
        let asker = conduit("asker", server_url()).await?;
        asker.service("receiver").request("endless", "").no_timeout().await?;
        Ok(())
    })
}

#[test]
fn a_handler_ends_whose_asker_was_killed() -> Outcome {
    tokio_multi_thread(async {
        let server = Server::start();
        let receiver = conduit("receiver", server.url()).await?;
        let (begins, begun) = async_channel::bounded(1);
        let (drops, dropped) = async_channel::bounded::<()>(1);
        receiver.queue_bind("endless").await?.to(move |_message| {
            let (begins, drops) = (begins.clone(), drops.clone());
            async move {
                let _closed_when_dropped = CloseOnDrop(drops);
                begins.send(()).await.ok();
                future::pending::<()>().await;
            }
        });
        let before = [(&receiver, receiver.stats())];
        let mut asker = Process::start("asker", &server.url());
        begun.recv().await?;
        asker.kill();
        dropped.recv().await.expect_err("its asker is gone");
        released(&before).await;
        Ok(())
    })
}

struct CloseOnDrop(async_channel::Sender<()>);

impl Drop for CloseOnDrop {
    fn drop(&mut self) {
        self.0.close();
    }
}
