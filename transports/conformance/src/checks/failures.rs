//! What an asker is told of a handler that failed.

use std::{error::Error as StdError, panic, sync::Arc, time::Duration};

use conduit::{Binding, Conduit, Error, ErrorKind, Executed, Failure, Requesting};

use crate::{Broker, Guarantee, Number, Violation, World};

const RULE: Guarantee = Guarantee::Errors;
/// So long that only something else than the deadline ends a request in time.
pub(super) const LONG: Duration = Duration::from_secs(100);
/// Of a body that goes in one packet, and of one that is streamed, in bytes.
pub(super) const SIZES: [usize; 2] = [100, 100_000];

/// How a request has to fail.
struct Row {
    service: &'static str,
    subject: &'static str,
    kind: ErrorKind,
    executed: Executed,
    /// What stands in its text.
    text: &'static str,
}

#[rustfmt::skip]
const TABLE: [Row; 7] = [
    Row { service: "worker", subject: "serves", kind: ErrorKind::NotDecoded, executed: Executed::No, text: "could not convert slice to array" },
    Row { service: "worker", subject: "decodes", kind: ErrorKind::NotDecoded, executed: Executed::Yes, text: "could not convert slice to array" },
    Row { service: "worker", subject: "fails", kind: ErrorKind::HandlerFailed, executed: Executed::Yes, text: "it is Tuesday" },
    Row { service: "worker", subject: "explains", kind: ErrorKind::HandlerFailed, executed: Executed::Yes, text: "there are not so many" },
    Row { service: "worker", subject: "panics", kind: ErrorKind::HandlerPanicked, executed: Executed::Yes, text: "the handler panicked" },
    Row { service: "worker", subject: "ends", kind: ErrorKind::NoReply, executed: Executed::Yes, text: "without a reply" },
    Row { service: "frugal", subject: "reads", kind: ErrorKind::TooLarge, executed: Executed::Yes, text: "too large" },
];

/// G12: each way in which a handler can fail is told apart, for a request of one packet and for one
/// whose body is streamed, and whether the handler is one of a group or not. Each says who failed.
///
/// # Errors
/// What does not hold.
pub async fn failures_of_handlers_are_told_apart<B: Broker>(
    world: Arc<World<B>>,
) -> Result<(), Violation> {
    let asker = world.conduit("asker").await;
    for is_group in [true, false] {
        if !is_group && !B::TELLS_UNDELIVERED {
            // That there is no group is known after the send timeout only.
            continue;
        }
        let worker = world.conduit("worker").await;
        let frugal = world.builder("frugal").await.max_decode_size(50).build();
        let frugal = RULE.expect("build", frugal)?;
        handle(&worker, &frugal, is_group).await?;
        for row in &TABLE {
            let instance = if row.service == "worker" { &worker } else { &frugal }.instance();
            for size in SIZES {
                let body = vec![7; size];
                let asking = asker.service(row.service).request_body(row.subject, body);
                let what = format!("{size} bytes for one that {}", row.subject);
                // That one plain binding did not run says nothing of the others, and that the group did not
                // says nothing of the plain bindings that one packet goes to as well.
                let executed = match row.executed {
                    Executed::No if !is_group || size == SIZES[0] => Executed::Maybe,
                    executed => executed,
                };
                let told = [(row.kind, executed)];
                let error = fails(&world, &what, asking.timeout(LONG), &told).await?;
                let says_it = error.to_string().contains(row.text);
                let is_right = says_it && error.instance() == Some(instance);
                RULE.ensure(is_right && !error.is_retryable(), || format!("{what}: {error:?}"))?;
                has_failure(&error, row.subject == "explains")?;
            }
        }
        for conduit in [&worker, &frugal] {
            world.within(B::PATIENCE, RULE, "close", conduit.close()).await?;
        }
    }
    Ok(())
}

/// Has every kind of handler that fails.
async fn handle(
    worker: &Conduit<Number>,
    frugal: &Conduit<Number>,
    is_group: bool,
) -> Result<(), Violation> {
    let bind = async |conduit: &Conduit<Number>, subject| -> Result<Binding<Number>, Violation> {
        let bound = match is_group {
            true => conduit.queue_bind(subject).await,
            false => conduit.bind(subject).await,
        };
        RULE.expect("bind", bound)
    };
    bind(worker, "serves").await?.serve(|number: u64| async move { Ok::<_, Error>(number) });
    bind(worker, "decodes").await?.to(|message| async move {
        let number: u64 = message.decode().await?;
        message.reply(&number).await
    });
    bind(worker, "fails").await?.to(|_| async { Err("it is Tuesday") });
    bind(worker, "explains").await?.to(|_| async { explain() });
    bind(worker, "panics").await?.to(|_| async { plan() });
    bind(worker, "ends").await?.to(|_| async {});
    bind(frugal, "reads").await?.to(|message| async move {
        let body = message.to_bytes().await?;
        message.reply_body(body).await
    });
    Ok(())
}

/// Panics, and prints nothing, since this is no bug.
fn plan() {
    panic::resume_unwind(Box::new("as planned"));
}

fn explain() -> Result<(), Box<dyn StdError + Send + Sync>> {
    let failure = Failure::new("no.stock", "there are not so many").with_detail(&Number, &3)?;
    Err(failure.into())
}

/// An error has the handler's own failure, if there is one, and all of it.
fn has_failure(error: &Error, wanted: bool) -> Result<(), Violation> {
    let is_right = match error.failure() {
        None => !wanted,
        Some(failure) => {
            let detail: Option<u64> = RULE.expect("the detail", failure.detail(&Number))?;
            let words = (failure.code(), failure.message());
            wanted && words == ("no.stock", "there are not so many") && detail == Some(3)
        }
    };
    RULE.ensure(is_right, || format!("the handler's own words are {:?}", error.failure()))
}

/// A request that has to fail, in one of some ways.
pub(super) async fn fails<B: Broker>(
    world: &World<B>,
    what: &str,
    asking: Requesting<Number>,
    told: &[(ErrorKind, Executed)],
) -> Result<Error, Violation> {
    let asked = world.within(B::PATIENCE, RULE, what, asking).await?;
    failed(what, asked, told)
}

/// A request has to have failed, in one of some ways.
pub(super) fn failed<T>(
    what: &str,
    asked: Result<T, Error>,
    told: &[(ErrorKind, Executed)],
) -> Result<Error, Violation> {
    let wrong = |found: String| Violation::new(RULE, format!("{what}: wanted {told:?}, {found}"));
    match asked {
        Ok(_) => Err(wrong("and it succeeded".to_owned())),
        Err(error) if told.contains(&(error.kind(), error.executed())) => Ok(error),
        Err(error) => Err(wrong(format!("got {error:?}"))),
    }
}
