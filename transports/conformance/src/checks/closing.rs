//! A conduit that closes while others are busy with it.

use std::{sync::Arc, time::Duration};

use conduit::{Error, Message};

use crate::{Broker, Guarantee, Number, Violation, World};

/// So long that only something else than the deadline ends a request in time.
const LONG: Duration = Duration::from_secs(100);

/// A conduit that closes amid requests leaves nobody waiting: each is answered or fails, at once.
///
/// # Errors
/// What does not hold.
pub async fn closing_amid_requests_answers_all<B: Broker>(
    world: Arc<World<B>>,
) -> Result<(), Violation> {
    closing_amid::<B>(&world, 10, 10).await
}

/// The same for requests whose bodies are streamed.
///
/// # Errors
/// What does not hold.
pub async fn closing_amid_bodies_answers_all<B: Broker>(
    world: Arc<World<B>>,
) -> Result<(), Violation> {
    closing_amid::<B>(&world, 3, 30_000).await
}

async fn closing_amid<B: Broker>(
    world: &Arc<World<B>>,
    rounds: usize,
    size: usize,
) -> Result<(), Violation> {
    const ASKERS: usize = 32;
    let rule = Guarantee::Errors;
    let asker = world.conduit("asker").await;
    for _ in 0..rounds {
        let closing = world.conduit("closing").await;
        let (answered, answers) = async_channel::unbounded();
        let jobs = rule.expect("queue_bind", closing.queue_bind("jobs").await)?;
        jobs.to(move |message: Message<Number>| {
            answered.try_send(()).ok();
            async move { message.reply_body(message.take_body()?).await }
        });
        let (ended, ends) = async_channel::unbounded();
        for _ in 0..ASKERS {
            let (service, ended) = (asker.service("closing"), ended.clone());
            world.spawn(async move {
                // Until one fails: then the conduit is closed.
                let error = loop {
                    let request = service.request_body("jobs", vec![7; size]).timeout(LONG);
                    match request.await {
                        Err(error) => break error,
                        Ok(reply) => match reply.to_bytes().await {
                            Err(error) => break error,
                            Ok(_) => continue,
                        },
                    }
                };
                ended.try_send(error).ok();
            });
        }
        for _ in 0..2 * ASKERS {
            let answer = world.within(B::PATIENCE, rule, "answers", answers.recv());
            rule.expect("answers", answer.await?)?;
        }
        let close = closing.close();
        world.within(B::PATIENCE, rule, "close", close).await?;
        for number in 0..ASKERS {
            let what = format!("the end of request {number} to a conduit that closed");
            let error = world.within(B::PATIENCE, rule, &what, ends.recv()).await?;
            let _: Error = rule.expect(&what, error)?;
        }
    }
    Ok(())
}
