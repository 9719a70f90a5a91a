//! A request that takes the first answer.

use std::time::Instant;

use super::asking::{Asking, Vain};
use crate::{
    Error, ErrorKind, Executed, MessageId,
    body::Source,
    delivery,
    driver::{Answer, Pending, Silence},
    outgoing::Ready,
    proto::{Backoff, frame::Frame},
    transport::Targets,
};

/// Listens for the first answer. Its errors are those of [`Asking::begin`].
pub(super) fn begin(ready: &Ready, message: MessageId) -> Result<Asking, Error> {
    Asking::begin(ready, message, Pending::first(ready.to.address(Targets::Group)))
}

/// Asks everybody once. A group that refuses is asked again, since a refusal comes before the
/// handler, until the deadline is near.
pub(super) async fn ask_whole(
    asking: &mut Asking,
    ready: &mut Ready,
    body: &[u8],
    deadline: Option<Instant>,
) -> Result<Answer, Error> {
    ready.number(Targets::Both);
    let Ready { handle, to, head } = ready;
    let shared = handle.shared();
    let begun = shared.now();
    let give_up = deadline.unwrap_or(begun + shared.config.send_timeout);
    // A busy member takes a while to refuse. What is asked too late for that would not be known to
    // have been refused.
    let enough = (2 * shared.config.request_wait).min(give_up.saturating_duration_since(begun) / 2);
    let mut lanes = to.lanes(shared, begun);
    let mut backoff = Backoff::default();
    let mut refusal = None;
    // Of what was asked, the group's part was refused.
    let beside_group = |asking: &Asking, error: Error| match error.executed() {
        Executed::No => error.with_executed(asking.pending.executed_beside_group()),
        _ => error,
    };
    loop {
        for (lane, &targets) in lanes.iter().enumerate() {
            let packet = || Frame::message(head.borrowed(), body);
            let token = shared.token(asking.message(), targets);
            let to = to.with(shared, targets);
            let published = shared.publish(&to, packet, Some(token), deadline).await;
            let is_first = lane == 0 && targets != Targets::Group;
            published
                .map_err(|error| if is_first { error } else { beside_group(asking, error) })?;
        }
        asking.pending.was_asked(shared.now());
        match (wait(asking, deadline).await, refusal.take()) {
            (Err(error), refusal) if error.kind() == ErrorKind::NoReceivers => {
                return Err(refusal.map_or(error, |refusal| beside_group(asking, refusal)));
            }
            (Err(error), _) if is_refusal(&error) => {
                let now = shared.now();
                to.note_refusal(shared, now);
                let again = now + backoff.pause();
                if again + enough >= give_up {
                    return Err(beside_group(asking, error));
                }
                // In a box: few wait here, and every request would have room for it.
                if let Some(answer) = Box::pin(answer_by(asking, again)).await {
                    return answer;
                }
                lanes = &[Targets::Group];
                refusal = Some(error);
                if let (Some(request), Some(at)) = (&mut head.request, deadline) {
                    request.time_left = Some(at.saturating_duration_since(shared.now()));
                }
            }
            (answer, _) => return answer,
        }
    }
}

/// Asks with a body that is streamed.
pub(super) async fn ask_streaming(
    asking: &mut Asking,
    ready: &mut Ready,
    body: Source,
    deadline: Option<Instant>,
) -> Result<Answer, Error> {
    let errors = |outcome: &_| delivery::request_error(outcome).into_iter().collect();
    asking.upload(ready, body, Targets::Both, None, errors);
    wait(asking, deadline).await
}

async fn wait(asking: &mut Asking, deadline: Option<Instant>) -> Result<Answer, Error> {
    match asking.wait(asking.shared().config.silence(), deadline).await {
        Ok(answer) => answer,
        Err(Vain::Silence) => Err(asking.pending.silence()),
        // First it is given up: who was not confirmed by then never is.
        Err(Vain::Deadline) => {
            Err(Error::from(ErrorKind::Deadline).with_executed(asking.give_up()))
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
    use ErrorKind::{Draining, Overloaded, Unsupported};
    matches!(error.kind(), Overloaded | Draining | Unsupported) && error.executed() == Executed::No
}
