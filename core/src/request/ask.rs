//! A request that takes the first answer.

use std::time::Instant;

use bytes::Bytes;

use super::asking::{Asking, Vain, before, prepare, too_late};
use crate::{
    Error, ErrorKind, Executed, Subject,
    body::Prepared,
    delivery,
    driver::{Answer, Pending, Silence},
    outgoing::{Outgoing, Ready},
    proto::{Backoff, frame::Frame},
    transport::{Targets, Token},
};

pub(super) async fn ask(
    outgoing: Outgoing,
    deadline: Option<Instant>,
) -> Result<(Subject, Answer), Error> {
    let (message, ready, body) = prepare(outgoing, deadline).await?;
    let pending = Pending::first(ready.to.address(Targets::Group));
    let mut asking = Asking::begin(&ready, message, pending)?;
    let answer = match body {
        Prepared::Whole(body) => ask_whole(&asking, &ready, body, deadline).await,
        Prepared::Streamed(source) => {
            let errors = |outcome: &_| delivery::request_error(outcome).into_iter().collect();
            asking.upload(&ready, source, Targets::Both, None, errors);
            wait(&asking, &ready, deadline).await
        }
    };
    let answer = answer.map_err(|error| ready.to.about(error))?;
    asking.end();
    Ok((ready.to.subject().clone(), answer))
}

async fn wait(asking: &Asking, ready: &Ready, deadline: Option<Instant>) -> Result<Answer, Error> {
    match asking.wait(ready.handle.shared().config.silence(), deadline).await {
        Ok(answer) => answer,
        Err(Vain::Silence) => Err(asking.pending.silence()),
        Err(Vain::Deadline) => Err(too_late(Executed::Maybe)),
    }
}

/// Asks everybody once. A group that refuses is asked again, since a refusal comes before the
/// handler, until the deadline is near.
async fn ask_whole(
    asking: &Asking,
    ready: &Ready,
    body: Bytes,
    deadline: Option<Instant>,
) -> Result<Answer, Error> {
    let shared = ready.handle.shared();
    let begun = shared.now();
    let give_up = deadline.unwrap_or(begun + shared.config.send_timeout);
    // A busy member takes a while to refuse. What is asked too late for that would not be known to
    // have been refused.
    let enough = (2 * shared.config.request_wait).min(give_up.saturating_duration_since(begun) / 2);
    let mut head = ready.head_to(Targets::Both);
    let mut targets = Targets::Both;
    let mut backoff = Backoff::default();
    let mut refusal = None;
    loop {
        let packet = || Frame::message(head.borrowed(), &body);
        let token = Token { message: asking.message(), targets };
        let to = ready.to.with(shared, targets);
        let publish = shared.publish(&to, packet, Some(token));
        before(shared, deadline, Executed::Maybe, publish).await?;
        asking.pending.was_asked(shared.now());
        match (wait(asking, ready, deadline).await, refusal.take()) {
            (Err(error), refusal) if error.kind() == ErrorKind::NoReceivers => {
                return Err(refusal.unwrap_or(error));
            }
            (Err(error), _) if is_refusal(&error) => {
                let again = shared.now() + backoff.pause();
                if again + enough >= give_up {
                    return Err(error);
                }
                if let Some(answer) = answer_by(asking, again).await {
                    return answer;
                }
                targets = Targets::Group;
                refusal = Some(error);
                if let (Some(request), Some(at)) = (&mut head.request, deadline) {
                    request.time_left = Some(at.saturating_duration_since(shared.now()));
                }
            }
            (answer, _) => return answer,
        }
    }
}

/// Whoever answers in the pause after a refusal, which can only be a plain binding, has answered.
async fn answer_by(asking: &Asking, until: Instant) -> Option<Result<Answer, Error>> {
    loop {
        asking.pending.reopen();
        match asking.wait(Silence::UNLIMITED, Some(until)).await {
            // The refusal, once more.
            Ok(Err(error)) if is_refusal(&error) => {}
            Ok(answer) => return Some(answer),
            Err(_) => return None,
        }
    }
}

fn is_refusal(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Overloaded | ErrorKind::Draining)
        && error.executed() == Executed::No
}
