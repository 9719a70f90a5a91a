//! Bodies that are passed on while they are read.

use std::sync::Arc;

use conduit::{Body, Error};

use crate::{Broker, Guarantee, Violation, World, odd::Odd, pattern::Pattern, reading::Reading};

const LENGTH: u64 = 3 << 20;

/// G4, G7: a body that is echoed comes back while it is still being sent, and whole.
///
/// # Errors
/// What does not hold.
pub async fn a_body_can_be_echoed<B: Broker>(world: Arc<World<B>>) -> Result<(), Violation> {
    let rule = Guarantee::Bodies;
    let echo = world.conduit("echo").await;
    rule.expect("bind", echo.queue_bind("work").await)?
        .to(|message| async move { message.reply_body(message.take_body()?).await });
    comes_back(&world, "echo").await
}

/// G4, G7: a body that goes through another service, there and back, does too.
///
/// # Errors
/// What does not hold.
pub async fn a_body_can_be_passed_on<B: Broker>(world: Arc<World<B>>) -> Result<(), Violation> {
    let rule = Guarantee::Bodies;
    let echo = world.conduit("echo").await;
    rule.expect("bind", echo.queue_bind("work").await)?
        .to(|message| async move { message.reply_body(message.take_body()?).await });
    let proxy = world.conduit("proxy").await;
    rule.expect("bind", proxy.queue_bind("work").await)?.to(|message| async move {
        let body = message.take_body()?;
        let reply = message.service("echo").request_body("work", body).await?;
        message.reply_body(reply.take_body()?).await?;
        Ok::<_, Error>(())
    });
    comes_back(&world, "proxy").await
}

async fn comes_back<B: Broker>(world: &World<B>, service: &str) -> Result<(), Violation> {
    let rule = Guarantee::Bodies;
    let asker = world.conduit("asker").await;
    let pattern = Pattern::new(5, LENGTH);
    let (gate, odd) = Odd::new(pattern).waits(100);
    let asking = asker.service(service).request_body("work", Body::reader(odd));
    let reply = rule.expect("request", asking.no_timeout().await)?;
    let body = rule.expect("take the body", reply.take_body())?;
    let mut reading = Reading::new(body, pattern);
    reading.until(100).await?;
    drop(gate);
    reading.whole().await?;

    // One packet goes the same way.
    let small = Pattern::new(6, 100);
    let asking = asker.service(service).request_body("work", small.bytes());
    let reply = rule.expect("request", asking.no_timeout().await)?;
    let body = rule.expect("take the body", reply.take_body())?;
    Reading::new(body, small).whole().await
}
