//! Notices that nobody listens: only those of the broker are believed.

use std::io;

use conduit::{
    Conduit, Error,
    transport::{Targets, Token},
};
use conduit_json::Json;

use crate::support::{
    forger::Forger,
    world::{TestResult, World, endless, millis, secs},
};

/// What can be made of a token without the secret that it was made with.
fn forgeries_of(token: Token) -> Vec<Token> {
    let targets = [Targets::Plain, Targets::Group, Targets::Both];
    let others = targets.into_iter().filter(|targets| *targets != token.targets);
    let mut forged: Vec<_> = others.map(|targets| Token { targets, ..token }).collect();
    forged.push(Token { tag: 0, ..token });
    forged.push(Token { tag: token.tag ^ 1, ..token });
    forged
}

async fn slow(world: &World, worker: &Conduit<Json>) -> Result<(), Error> {
    let sim = world.sim.clone();
    worker.queue_bind("job").await?.to(move |message| {
        let sim = sim.clone();
        async move {
            sim.sleep(secs(8)).await;
            message.reply(&"done").await
        }
    });
    Ok(())
}

#[test]
fn a_plain_receiver_cannot_say_that_there_is_no_group() -> TestResult {
    World::run(|world| async move {
        let (asker, forger) = Forger::of(&world, "asker")?;
        let worker = world.node("worker")?;
        slow(&world, &worker).await?;
        let observer = world.node("worker")?;
        observer.bind("job").await?.to(async |_message| Err::<(), _>(io::Error::other("no")));
        let asked = world.sim.go(async move { asker.service("worker").request("job", &()).await });
        world.sim.sleep(millis(10)).await;
        let sent = forger.seen()[0];
        assert_eq!(sent.targets, Targets::Both);
        forgeries_of(sent).into_iter().for_each(|token| forger.forge(token));
        assert_eq!(asked.recv().await??.decode::<String>().await?, "done");
        Ok(())
    })
}

#[test]
fn forged_notices_are_counted() -> TestResult {
    World::run(|world| async move {
        let (asker, forger) = Forger::of(&world, "asker")?;
        let worker = world.node("worker")?;
        slow(&world, &worker).await?;
        let to = asker.service("worker");
        let asked = world.sim.go(async move { to.request("job", &()).await });
        world.sim.sleep(millis(10)).await;
        let forged = forgeries_of(forger.seen()[0]);
        let count = forged.len() as u64;
        forged.into_iter().for_each(|token| forger.forge(token));
        world.sim.sleep(millis(10)).await;
        assert_eq!(asker.stats().invalid_packets, count);
        assert_eq!(asked.recv().await??.decode::<String>().await?, "done");
        Ok(())
    })
}

#[test]
fn a_replayed_notice_does_not_contradict_a_sign_of_life() -> TestResult {
    World::run(|world| async move {
        let (asker, forger) = Forger::of(&world, "asker")?;
        let worker = world.node("worker")?;
        slow(&world, &worker).await?;
        let to = asker.service("worker");
        let asked = world.sim.go(async move { to.request("job", &()).await });
        // By then the worker has said that the request is there.
        world.sim.sleep(secs(4)).await;
        forger.forge(forger.seen()[0]);
        assert_eq!(asked.recv().await??.decode::<String>().await?, "done");
        Ok(())
    })
}

#[test]
fn a_replayed_notice_does_not_contradict_an_accept() -> TestResult {
    World::run(|world| async move {
        let (asker, forger) = Forger::of(&world, "asker")?;
        let worker = world.node("worker")?;
        slow(&world, &worker).await?;
        let to = asker.service("worker");
        let asked = world.sim.go(async move { to.request_body("job", endless(b"first")).await });
        world.sim.sleep(millis(100)).await;
        let seen = forger.seen();
        assert!(seen.iter().any(|token| token.targets == Targets::Group), "{seen:?}");
        seen.into_iter().for_each(|token| forger.forge(token));
        assert_eq!(asked.recv().await??.decode::<String>().await?, "done");
        Ok(())
    })
}
