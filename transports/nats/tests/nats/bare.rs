//! Under smol and async-std nothing needs tokio around it: not in a bare thread, not in a
//! `block_on`, not in a destructor, and not while a thread unwinds.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    thread,
};

use conduit::{Conduit, Runtime};
use conduit_nats::Nats;
use futures_lite::{StreamExt, future};

use crate::support::{Outcome, Server, Text, builder};

/// Longer than a window: it cannot have been sent when it is dropped.
const LONG: usize = 4 << 20;

#[test]
fn on_smol() -> Outcome {
    in_a_bare_thread(conduit_smol::Smol)
}

#[test]
fn on_async_std() -> Outcome {
    in_a_bare_thread(conduit_async_std::AsyncStd)
}

#[test]
fn on_smol_while_unwinding() -> Outcome {
    unwinds(conduit_smol::Smol)
}

#[test]
fn on_async_std_while_unwinding() -> Outcome {
    unwinds(conduit_async_std::AsyncStd)
}

/// Two services, each made where there is no runtime at all.
fn made(server: &Server, runtime: impl Runtime + Clone) -> Outcome<(Conduit<Text>, Conduit<Text>)> {
    let connect = || future::block_on(Nats::connect(server.url()));
    let worker = builder("worker", runtime.clone(), connect()?).build()?;
    Ok((builder("asker", runtime, connect()?).build()?, worker))
}

fn echo(worker: &Conduit<Text>) -> Outcome {
    future::block_on(worker.queue_bind("echo"))?.to(|message| async move {
        let body = message.take_body()?;
        message.reply_body(body).await
    });
    Ok(())
}

fn in_a_bare_thread(runtime: impl Runtime + Clone) -> Outcome {
    let server = Server::start();
    let thread = thread::spawn(move || {
        let (asker, worker) = made(&server, runtime)?;
        echo(&worker)?;
        let to = asker.service("worker");
        let mut news = future::block_on(worker.bind("news"))?;
        future::block_on(to.send("news", "short"))?;
        let message = future::block_on(news.next()).ok_or("unbound")?;
        assert_eq!(future::block_on(message.text())?, "short");
        let reply = future::block_on(to.request_body("echo", vec![5; LONG]))?;
        assert_eq!(future::block_on(reply.to_bytes())?.len(), LONG);
        future::block_on(news.unbind());

        // Dropped half done, after some turns.
        let all = async {
            let send = to.send_body("echo", vec![5; LONG]);
            let request = to.request_body("echo", vec![5; LONG]);
            let _ = future::zip(asker.bind("late"), future::zip(send, request)).await;
        };
        let turns = async {
            for _ in 0..100 {
                future::yield_now().await;
            }
        };
        future::block_on(future::or(all, turns));
        let late = future::block_on(asker.bind("late"))?;
        thread::spawn(move || drop(late)).join().map_err(|_| "a drop panicked")?;
        future::block_on(asker.close());
        drop(worker);
        Outcome::Ok(())
    });
    thread.join().map_err(|_| "the thread panicked")?
}

fn unwinds(runtime: impl Runtime + Clone) -> Outcome {
    let server = Server::start();
    let (asker, worker) = made(&server, runtime.clone())?;
    echo(&worker)?;
    let unwound = catch_unwind(AssertUnwindSafe(|| {
        let (other, _worker) = made(&server, runtime).expect("a server");
        let to = other.service("worker");
        let _bound = future::block_on(other.bind("own")).expect("bound");
        let mut send = to.send_body("echo", vec![6; LONG]);
        let mut request = to.request_body("echo", vec![6; LONG]);
        let mut bind = Box::pin(other.bind("late"));
        let reply = future::block_on(to.request_body("echo", vec![6; LONG]));
        let mut body = reply.expect("a reply").take_body().expect("a body");
        future::block_on(async {
            let _ = future::poll_once(&mut send).await;
            let _ = future::poll_once(&mut request).await;
            let _ = future::poll_once(&mut bind).await;
            let _ = body.next().await;
        });
        // A second panic, in a destructor, would abort the process.
        panic!("unwinds past everything");
    }));
    let panic = unwound.expect_err("it panics");
    assert_eq!(panic.downcast_ref(), Some(&"unwinds past everything"));
    // The others live on.
    let reply = asker.service("worker").request("echo", "alive?");
    assert_eq!(future::block_on(future::block_on(reply)?.text())?, "alive?");
    Ok(())
}
