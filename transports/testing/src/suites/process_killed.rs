//! A process that is killed in the middle of a body, or while it waits for an answer.

use std::time::Duration;

use crate::{
    Broker, Outcome, Process, Text, body, builder, read, released, run, server_url,
    tokio_multi_thread,
};
use conduit::{Conduit, ErrorKind, Executed, Message};
use conduit_tokio::Tokio;
use futures_lite::future;

/// Runs the tests of [`process_killed`](crate::suites::process_killed) against a [`Broker`](crate::Broker).
#[macro_export]
macro_rules! process_killed_suite {
    ($($how:tt)+) => {
        $crate::with_processes! {
            process_killed for $($how)+:
            processes sender, receiver, asker;
            tests a_receiver_notices_that_its_sender_was_killed,
                a_sender_notices_that_its_receiver_was_killed,
                a_handler_ends_whose_asker_was_killed
        }
    };
}

const LENGTH: u64 = 1 << 30;

/// Short, since every test waits for it to pass.
const IDLE_LIMIT: Duration = Duration::from_secs(3);

async fn conduit<B: Broker>(service: &str, url: String) -> Outcome<Conduit<Text>> {
    let half = builder(service, Tokio, B::connect_to(url).await?);
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

pub fn sender<B: Broker>() -> Outcome {
    tokio_multi_thread(async {
        let sender = conduit::<B>("sender", server_url()).await?;
        sender.service("receiver").send_body("upload", body(LENGTH)).await?;
        Ok(())
    })
}

pub fn a_receiver_notices_that_its_sender_was_killed<B: Broker>() -> Outcome {
    tokio_multi_thread(async {
        let server = B::start();
        let receiver = conduit::<B>("receiver", server.url()).await?;
        let mut binding = receiver.queue_bind("upload").await?;
        let before = [(&receiver, receiver.stats())];
        let mut sender = Process::start("process_killed::sender", &server.url());
        let message = binding.next().await.expect("it is bound");
        let error = read_and(&message, || sender.kill()).await.expect_err("its sender is gone");
        assert_eq!((error.kind(), error.executed()), (ErrorKind::Lost, Executed::Maybe));
        drop(message);
        released(&before).await;
        Ok(())
    })
}

pub fn receiver<B: Broker>() -> Outcome {
    tokio_multi_thread(async {
        let receiver = conduit::<B>("receiver", server_url()).await?;
        let mut binding = receiver.queue_bind("upload").await?;
        eprintln!("bound");
        let message = binding.next().await.expect("it is bound");
        read_and(&message, || eprintln!("begun")).await?;
        Ok(())
    })
}

pub fn a_sender_notices_that_its_receiver_was_killed<B: Broker>() -> Outcome {
    tokio_multi_thread(async {
        let server = B::start();
        let sender = conduit::<B>("sender", server.url()).await?;
        let before = [(&sender, sender.stats())];
        let mut receiver = Process::start("process_killed::receiver", &server.url());
        receiver.says("bound").await;
        let sending = sender.service("receiver").send_body("upload", body(LENGTH));
        let sent = run(&Tokio, sending);
        receiver.says("begun").await;
        receiver.kill();
        let error = sent.await.expect_err("its receiver is gone");
        assert_eq!((error.kind(), error.executed()), (ErrorKind::Lost, Executed::Maybe));
        released(&before).await;
        Ok(())
    })
}

pub fn asker<B: Broker>() -> Outcome {
    tokio_multi_thread(async {
        let asker = conduit::<B>("asker", server_url()).await?;
        asker.service("receiver").request("endless", "").no_timeout().await?;
        Ok(())
    })
}

pub fn a_handler_ends_whose_asker_was_killed<B: Broker>() -> Outcome {
    tokio_multi_thread(async {
        let server = B::start();
        let receiver = conduit::<B>("receiver", server.url()).await?;
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
        let mut asker = Process::start("process_killed::asker", &server.url());
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
