//! What a layer is told of the end of a call, exactly once.

use std::{
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex},
};

use conduit::{
    Body, Message,
    layer::{End, Layer, Next, OutboundCall, Outcome},
};
use conduit_json::Json;
use futures_lite::{FutureExt, StreamExt, future};

use super::error;
use crate::support::world::{Node, TestResult, World, endless, pattern, secs};

/// Notes the end of each call.
#[derive(Clone, Default)]
struct Ends(Arc<Mutex<Vec<String>>>);

impl Layer for Ends {
    async fn outbound(&self, call: OutboundCall, next: Next<'_>) -> Outcome {
        let mut outcome = next.run(call).await;
        let ends = Arc::clone(&self.0);
        outcome.on_end(move |end| {
            ends.lock().expect("it does not panic").push(match end {
                End::Complete => "complete".to_owned(),
                End::Failed(failed) => error(failed),
                End::Dropped => "dropped".to_owned(),
                _ => "unknown".to_owned(),
            });
        });
        outcome
    }
}

impl Ends {
    fn take(&self) -> String {
        self.0.lock().expect("it does not panic").drain(..).collect::<Vec<_>>().join(" ")
    }
}

/// What a layer around it does with the outcome that it gets.
#[derive(Clone, Copy)]
enum Outer {
    Passes,
    /// Lets it go, and returns that of another try.
    TriesAgain,
    /// Waits for ever with it in its hands.
    Keeps,
    Panics,
}

impl Layer for Outer {
    async fn outbound(&self, mut call: OutboundCall, next: Next<'_>) -> Outcome {
        let again = call.try_clone();
        let outcome = next.run(call).await;
        match (self, again) {
            (Self::TriesAgain, Some(again)) => {
                drop(outcome);
                next.run(again).await
            }
            (Self::Keeps, _) => future::pending().await,
            (Self::Panics, _) => panic!("on purpose"),
            _ => outcome,
        }
    }
}

/// Replies as it is told: in one packet, as a stream, with a stream that fails or that never ends.
async fn reply(message: Message<Json>) -> TestResult {
    let body = match message.text().await?.as_str() {
        "small" => Body::from("small"),
        "large" => Body::from(pattern(100_000)),
        "broken" => Body::sized_reader(futures_lite::io::Cursor::new(pattern(100_000)), 200_000),
        "endless" => endless(b"first"),
        _ => return Err("no reply".into()),
    };
    message.reply_body(body).await?;
    Ok(())
}

async fn world(world: &World, outer: Outer) -> TestResult<(Node, conduit::Client<Json>, Ends)> {
    let node = world.node("worker")?;
    node.queue_bind("reply").await?.concurrency(8).to(reply);
    node.bind("all").await?.to(reply);
    let ends = Ends::default();
    let client = node.own_service().layer(outer).layer(ends.clone());
    Ok((node, client, ends))
}

#[test]
fn a_request_ends_once_whatever_becomes_of_its_reply() -> TestResult {
    World::run(|sim| async move {
        let (_node, client, ends) = world(&sim, Outer::Passes).await?;
        let taken = async |what: &str| {
            sim.sim.sleep(secs(60)).await;
            (what.to_owned(), ends.take())
        };
        for (what, end) in [
            ("small", "complete"),
            ("large", "complete"),
            ("broken", "BodyFailed:Yes"),
            ("failing", "HandlerFailed:Yes"),
        ] {
            // Read to its end, by one of two ways.
            for in_pieces in [false, true] {
                if let Ok(message) = client.request_body("reply", what).await {
                    if in_pieces {
                        let mut body = Body::from(message.take_body()?).into_stream();
                        while let Some(Ok(_)) = body.next().await {}
                    } else {
                        let _ = message.to_bytes().await;
                    }
                }
                assert_eq!(taken(what).await, (what.to_owned(), end.to_owned()));
            }
        }
        // Not read, or not to its end. What has come in one packet has come.
        for (what, end) in [("small", "complete"), ("large", "dropped"), ("endless", "dropped")] {
            for begins in [false, true] {
                let message = client.request_body("reply", what).await?;
                if begins {
                    Body::from(message.take_body()?)
                        .into_stream()
                        .next()
                        .await
                        .ok_or("it is empty")??;
                }
                drop(message);
                assert_eq!(taken(what).await, (what.to_owned(), end.to_owned()));
            }
        }
        // Read until its deadline.
        let message = client.request_body("reply", "endless").timeout(secs(5)).await?;
        message.to_bytes().await.expect_err("it has no end");
        assert_eq!(taken("late").await.1, "Deadline:Yes");
        drop(message);
        assert_eq!(taken("late").await.1, "");
        // Of all, of which one is not read.
        let mut replies = client.request_all_body("all", "large").expect(1);
        drop(replies.next().await);
        drop(replies);
        assert_eq!(taken("all").await.1, "dropped");
        drop(client.request_all_body("all", "large").expect(1).next().await);
        assert_eq!(taken("all").await.1, "dropped");
        Ok(())
    })
}

#[test]
fn a_send_and_a_reply_end_once() -> TestResult {
    World::run(|sim| async move {
        let (node, client, ends) = world(&sim, Outer::Passes).await?;
        let mut binding = node.bind("note").await?;
        for body in [Body::from("small"), Body::from(pattern(100_000))] {
            let reading = async {
                binding.next().await.ok_or("it is bound")?.to_bytes().await?;
                TestResult::Ok(())
            };
            let (sent, read) = future::zip(client.send_body("note", body).expect(1), reading).await;
            sent?;
            read?;
            assert_eq!(ends.take(), "complete");
        }
        client.send_body("nobody", "small").confirm().await.expect_err("nobody is there");
        assert_eq!(ends.take(), "NoReceivers:No");
        Ok(())
    })
}

#[test]
fn an_outcome_that_a_layer_does_not_pass_on_has_ended() -> TestResult {
    for (outer, what, end) in [
        (Outer::TriesAgain, "small", "dropped complete"),
        (Outer::TriesAgain, "large", "dropped dropped"),
        (Outer::TriesAgain, "failing", "HandlerFailed:Yes HandlerFailed:Yes"),
        (Outer::Keeps, "small", "dropped"),
        (Outer::Keeps, "large", "dropped"),
        (Outer::Panics, "large", "dropped"),
        (Outer::Panics, "failing", "HandlerFailed:Yes"),
    ] {
        World::run(|sim| async move {
            let (_node, client, ends) = world(&sim, outer).await?;
            let asking = AssertUnwindSafe(client.request_body("reply", what).into_future());
            let given_up = async {
                sim.sim.sleep(secs(60)).await;
                Ok(Err(conduit::ErrorKind::Cancelled.into()))
            };
            drop(asking.catch_unwind().or(given_up).await);
            assert_eq!(ends.take(), end, "{what}");
            TestResult::Ok(())
        })?;
    }
    Ok(())
}
