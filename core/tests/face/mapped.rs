//! Errors of handlers that a map turns into failures.

use std::{error::Error as StdError, sync::Arc};

use anyhow::Context as _;
use conduit::{Error, ErrorKind, Failure};

use crate::support::world::{TestResult, World};

#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("there is no stock")]
    NoStock,
    #[error("the order is late")]
    Late(#[source] Lateness),
    #[error("it said so")]
    Said(#[source] Failure),
    #[error("the shop did not answer")]
    Shop(#[source] Error),
    #[error("it is not mapped")]
    Other,
}

#[derive(Debug, thiserror::Error)]
#[error("by {0} days")]
struct Lateness(u32);

fn map(error: &(dyn StdError + 'static)) -> Option<Failure> {
    if let Some(Lateness(days)) = error.downcast_ref() {
        return Some(Failure::new("late", format!("{days} days late")).transient());
    }
    match error.downcast_ref::<Refusal>()? {
        Refusal::NoStock => Some(Failure::new("no.stock", "sold out")),
        // It is found among the causes, so this comes too late.
        Refusal::Said(_) => Some(Failure::new("not.this", "")),
        _ => None,
    }
}

fn refusal(number: u32) -> Refusal {
    match number {
        0 => Refusal::NoStock,
        1 => Refusal::Late(Lateness(3)),
        2 => Refusal::Said(Failure::new("said", "it was said")),
        3 => Refusal::Shop(ErrorKind::NoReceivers.into()),
        _ => Refusal::Other,
    }
}

const CODES: [Option<&str>; 5] = [Some("no.stock"), Some("late"), Some("said"), None, None];

#[test]
fn an_error_or_a_cause_of_it_is_mapped_unless_it_holds_a_failure() -> TestResult {
    World::run(|world| async move {
        let node = world.builder("a").map_failure(map).build()?;
        let one = node.queue_bind("one").await?;
        one.serve(async |number| Err::<(), _>(refusal(number)));
        let many = node.queue_bind("many").await?.concurrency(4);
        many.serve(async |number| Err::<(), _>(refusal(number)));
        let within = node.queue_bind("anyhow").await?;
        within.serve(async |number| Err::<(), _>(refusal(number)).context("while it was tried"));
        for (number, code) in CODES.into_iter().enumerate() {
            for subject in ["one", "many", "anyhow"] {
                let error = node.own_service().request(subject, &number).await;
                let error = error.expect_err("it is refused");
                assert_eq!(error.kind(), ErrorKind::HandlerFailed);
                assert_eq!(error.failure().map(Failure::code), code, "{subject} {number}");
                let is_transient = error.failure().is_some_and(Failure::is_transient);
                assert_eq!(is_transient, number == 1);
            }
        }
        Ok(())
    })
}

#[test]
fn the_map_of_a_binding_comes_first() -> TestResult {
    World::run(|world| async move {
        let node = world.builder("a").map_failure(map).build()?;
        let own = |error: &(dyn StdError + 'static)| match error.downcast_ref()? {
            Refusal::NoStock => Some(Failure::new("own", "")),
            _ => None,
        };
        let binding = node.queue_bind("x").await?.map_failure(own);
        binding.serve(async |number| Err::<(), _>(refusal(number)));
        for (number, code) in [(0, "own"), (1, "late")] {
            let error = node.own_service().request("x", &number).await.expect_err("it is refused");
            assert_eq!(error.failure().map(Failure::code), Some(code));
        }
        Ok(())
    })
}

#[test]
fn what_cannot_be_decoded_is_not_mapped_and_a_map_that_panics_is_contained() -> TestResult {
    World::run(|world| async move {
        let all = |_: &(dyn StdError + 'static)| Some(Failure::new("all", ""));
        let node = world.builder("a").map_failure(all).build()?;
        node.queue_bind("x").await?.serve(async |_: u32| Ok::<_, Refusal>(()));
        let error = node.own_service().request("x", "text").await.expect_err("it is no number");
        assert_eq!((error.kind(), error.failure()), (ErrorKind::NotDecoded, None));

        let calls = Arc::new(());
        let held = Arc::clone(&calls);
        let panics = move |_: &(dyn StdError + 'static)| -> Option<Failure> {
            let _held = &held;
            panic!("it is not known")
        };
        let binding = node.queue_bind("y").await?.map_failure(panics);
        binding.serve(async |number| Err::<(), _>(refusal(number)));
        for _ in 0..2 {
            let error = node.own_service().request("y", &0).await.expect_err("it is refused");
            assert_eq!(error.kind(), ErrorKind::HandlerPanicked);
        }
        node.close().await;
        assert_eq!(Arc::strong_count(&calls), 1);
        Ok(())
    })
}
