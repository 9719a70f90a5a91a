use std::time::Duration;

use conduit::{Error, ErrorKind, Executed, Failure};
use conduit_layers::{Breaker, CircuitState};

use crate::{Result, World};

const PAUSE: Duration = Duration::from_secs(60);

#[test]
fn it_opens_half_opens_and_closes() -> Result {
    World::run(|world| async move {
        let breaker = Breaker::new().failures(3).pause(PAUSE);
        let client = world.builder("client").layer(breaker.clone()).build()?;
        let service = client.service("shop");
        let state = || Ok::<_, Error>(breaker.state(&"shop".parse()?, &"price".parse()?));
        let ask = || service.request("price", "tea");

        for _ in 0..3 {
            assert_eq!(state()?, CircuitState::Closed);
            assert_eq!(ask().await.expect_err("no shop").kind(), ErrorKind::NoReceivers);
        }
        assert_eq!(state()?, CircuitState::Open);
        let error = ask().await.expect_err("it is open");
        assert_eq!((error.kind(), error.executed()), (ErrorKind::Overloaded, Executed::No));
        assert!(error.to_string().contains("the next call is tried in 60s"), "{error}");
        // Another subject has a circuit of its own.
        service.send("order", "tea").await?;

        world.sim.sleep(PAUSE).await;
        assert_eq!(ask().await.expect_err("it is tried").kind(), ErrorKind::NoReceivers);
        assert_eq!(state()?, CircuitState::Open);
        assert_eq!(ask().await.expect_err("it is open").kind(), ErrorKind::Overloaded);

        let shop = world.node("shop")?;
        shop.queue_bind("price").await?.serve(async |item: String| match item.as_str() {
            "silk" => Err(Failure::new("unknown", "there is none")),
            item => Ok(item.len()),
        });
        assert_eq!(ask().await.expect_err("it is still open").kind(), ErrorKind::Overloaded);
        world.sim.sleep(PAUSE).await;
        let tried = ask();
        let mut tried = std::pin::pin!(tried);
        assert!(futures_lite::future::poll_once(&mut tried).await.is_none());
        assert_eq!(state()?, CircuitState::HalfOpen);
        assert_eq!(ask().await.expect_err("one is tried").kind(), ErrorKind::Overloaded);
        tried.await?;
        assert_eq!(state()?, CircuitState::Closed);

        // An error of the application is no failure of the service.
        for _ in 0..9 {
            let error = service.request("price", "silk").await.expect_err("there is none");
            assert_eq!(error.kind(), ErrorKind::HandlerFailed);
        }
        assert_eq!(state()?, CircuitState::Closed);
        Ok(())
    })
}

#[test]
fn a_tried_call_that_is_dropped_leaves_it_to_the_next() -> Result {
    World::run(|world| async move {
        let breaker = Breaker::new().failures(1).pause(PAUSE);
        let client = world.builder("client").layer(breaker.clone()).build()?;
        let service = client.service("shop");
        service.request("price", "tea").await.expect_err("there is no shop");
        world.sim.sleep(PAUSE).await;
        let mut tried = Box::pin(service.request("price", "tea"));
        assert!(futures_lite::future::poll_once(&mut tried).await.is_none());
        drop(tried);
        let shop = world.node("shop")?;
        shop.queue_bind("price").await?.serve(async |item: String| Ok::<_, Error>(item.len()));
        service.request("price", "tea").await?;
        assert_eq!(breaker.state(&"shop".parse()?, &"price".parse()?), CircuitState::Closed);
        Ok(())
    })
}

#[test]
fn what_counts_can_be_chosen_and_the_circuits_are_bounded() -> Result {
    World::run(|world| async move {
        let breaker =
            Breaker::new().failures(1).counts(|error| error.kind() == ErrorKind::HandlerFailed);
        let node = world.node("shop")?;
        node.queue_bind("price").await?.serve(async |_: String| Err::<(), _>("sold out"));
        let service = node.own_service().layer(breaker.clone());
        for kind in [ErrorKind::HandlerFailed, ErrorKind::Overloaded] {
            assert_eq!(service.request("price", "x").await.expect_err("it fails").kind(), kind);
        }
        let most = 2 * Breaker::MAX_CIRCUITS;
        let breaker = Breaker::new().failures(1);
        let service = node.service("nobody").layer(breaker.clone());
        for number in 0..most {
            service.request(format!("s{number}"), "x").await.expect_err("nothing is bound");
        }
        let mut open = 0;
        for number in 0..most {
            let state = breaker.state(&"nobody".parse()?, &format!("s{number}").parse()?);
            open += usize::from(state == CircuitState::Open);
        }
        assert_eq!(open, Breaker::MAX_CIRCUITS);
        Ok(())
    })
}
