//! What a handler's error holds of this library, however it is wrapped.

use std::{error::Error as StdError, sync::Arc};

use anyhow::Context as _;
use conduit::{Error, ErrorKind, Executed, Failure, HandlerOutput, Message};
use conduit_json::Json;

use crate::support::world::{Node, TestResult, World};

type Boxed = Box<dyn StdError + Send + Sync>;

#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error(transparent)]
    Transparent(#[from] Failure),
    #[error("the order was refused")]
    Plain(#[source] Failure),
    #[error("the order was refused: {0}")]
    Printed(Failure),
    #[error(transparent)]
    Conduit(#[from] Error),
    #[error("the stock did not answer")]
    Stock(#[source] Error),
    #[error(transparent)]
    Anyhow(#[from] anyhow::Error),
}

fn failure() -> Failure {
    let failure = Failure::new("no.stock", "there are not so many").transient();
    failure.with_detail(&Json, &3).expect("a number can be encoded")
}

/// Binds a handler whose errors are of one type.
async fn bind<T, F, R>(node: &Node, subject: &str, handler: F) -> Result<(), Error>
where
    F: Fn(Message<Json>) -> R + Send + 'static,
    R: Future<Output = Result<(), T>> + Send + 'static,
    Result<(), T>: HandlerOutput,
{
    node.queue_bind(subject).await?.to(handler);
    Ok(())
}

async fn ask(node: &Node, subject: &str) -> Error {
    node.own_service().request(subject, "text").await.map(drop).expect_err("it fails")
}

#[test]
fn a_failure_is_found_however_it_is_wrapped() -> TestResult {
    World::run(|world| async move {
        let node = world.node("a")?;
        bind(&node, "boxed", async |_| Err::<(), _>(Boxed::from(failure()))).await?;
        bind(&node, "boxed.twice", async |_| Err::<(), _>(Boxed::from(Box::new(failure()))))
            .await?;
        bind(&node, "shared", async |_| Err::<(), _>(Arc::new(failure()))).await?;
        bind(&node, "anyhow", async |_| Err::<(), _>(anyhow::Error::from(failure()))).await?;
        let context = async |_| Err::<(), _>(failure()).context("while ordering");
        bind(&node, "context", context).await?;
        let contexts = async |_| Err(failure()).context("while ordering").context("in the shop");
        bind(&node, "contexts", contexts).await?;
        bind(&node, "transparent", async |_| Err(Refusal::from(failure()))).await?;
        bind(&node, "source", async |_| Err(Refusal::Plain(failure()))).await?;
        bind(&node, "printed", async |_| Err(Refusal::Printed(failure()))).await?;
        bind(&node, "nested", async |_| {
            let inner = anyhow::Error::from(Refusal::Transparent(failure()));
            Err(Refusal::from(inner.context("while ordering")))
        })
        .await?;
        let io = async |_| Err(std::io::Error::other(Refusal::Transparent(failure())));
        bind(&node, "io", io).await?;
        let subjects = [
            "boxed",
            "boxed.twice",
            "shared",
            "anyhow",
            "context",
            "contexts",
            "transparent",
            "source",
            "printed",
            "nested",
            "io",
        ];
        for subject in subjects {
            let error = ask(&node, subject).await;
            assert_eq!(error.kind(), ErrorKind::HandlerFailed, "{subject}");
            assert_eq!(error.failure(), Some(&failure()), "{subject}: {error:?}");
        }
        Ok(())
    })
}

#[test]
fn what_cannot_be_decoded_is_that_however_it_is_wrapped() -> TestResult {
    World::run(|world| async move {
        let node = world.node("a")?;
        bind(&node, "anyhow", async |message| -> anyhow::Result<()> {
            message.decode::<u8>().await?;
            Ok(())
        })
        .await?;
        bind(&node, "context", async |message| -> anyhow::Result<()> {
            message.decode::<u8>().await.context("while reading the order")?;
            Ok(())
        })
        .await?;
        bind(&node, "transparent", async |message| -> Result<(), Refusal> {
            message.decode::<u8>().await?;
            Ok(())
        })
        .await?;
        bind(&node, "source", async |message| {
            message.decode::<u8>().await.map(drop).map_err(Refusal::Stock)
        })
        .await?;
        for subject in ["anyhow", "context", "transparent", "source"] {
            let error = ask(&node, subject).await;
            let told = (error.kind(), error.executed());
            assert_eq!(told, (ErrorKind::NotDecoded, Executed::Yes), "{subject}: {error:?}");
            assert!(error.to_string().contains("expected u8"), "{subject} says why: {error}");
        }
        Ok(())
    })
}

async fn order(message: Message<Json>) -> Result<(), Error> {
    let subject = message.headers().get("to").unwrap_or_default();
    message.service("a").request(subject, "text").await.map(drop)
}

#[test]
fn a_code_from_further_on_passes_on() -> TestResult {
    World::run(|world| async move {
        let node = world.node("a")?;
        bind(&node, "stock", async |_| Err(failure())).await?;
        bind(&node, "stock.text", async |message| message.decode::<u8>().await.map(drop)).await?;
        bind(&node, "order", order).await?;
        bind(&node, "order.anyhow", async |it| Ok::<_, anyhow::Error>(order(it).await?)).await?;
        bind(&node, "order.source", async |it| order(it).await.map_err(Refusal::Stock)).await?;
        for subject in ["order", "order.anyhow", "order.source"] {
            let own = node.own_service();
            let asking = own.request(subject, &()).header("to", "stock");
            let error = asking.await.map(drop).expect_err("it fails");
            assert_eq!(error.failure(), Some(&failure()), "{subject}: {error:?}");
            let told = (error.kind(), error.executed());
            assert_eq!(told, (ErrorKind::HandlerFailed, Executed::Yes), "this handler ran");

            // What was not decoded further on was not this handler's.
            let asking = own.request(subject, &()).header("to", "stock.text");
            let error = asking.await.map(drop).expect_err("it fails");
            let told = (error.kind(), error.executed());
            assert_eq!(told, (ErrorKind::HandlerFailed, Executed::Yes), "{subject}: {error:?}");
        }
        Ok(())
    })
}

#[test]
fn an_error_that_holds_nothing_of_it_is_its_text() -> TestResult {
    World::run(|world| async move {
        let node = world.node("a")?;
        let fails = async |_| Err::<(), _>(anyhow::anyhow!("the disk is full").context("no save"));
        bind(&node, "fails", fails).await?;
        let error = ask(&node, "fails").await;
        assert_eq!(error.to_string(), "fails of a: the handler failed: no save");
        assert!(error.failure().is_none());
        Ok(())
    })
}
