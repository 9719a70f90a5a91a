//! The errors of a request without a reply.

use crate::{Error, ErrorKind, Executed, InstanceId, proto::RequestFailure};

/// Returns the error of an answerer that has refused or failed.
pub(super) fn failed(failure: RequestFailure) -> Error {
    let RequestFailure { instance, started, reason, detail, .. } = failure;
    Error::from_failure(&reason, started, detail, instance)
}

/// Returns the error if no answerer has acknowledged the request.
pub(super) fn no_answer(failure: Option<RequestFailure>) -> Error {
    let text = match failure {
        None => "no receiver acknowledged the request",
        Some(_) => "a bind has failed, and nothing was heard of a group",
    };
    because_of(Error::new(ErrorKind::NoAnswer, text), failure)
}

/// Returns the error if an answerer had the request and fell silent.
pub(super) fn lost(instance: Option<InstanceId>, failure: Option<RequestFailure>) -> Error {
    let error = Error::new(ErrorKind::Lost, "it had the request, and fell silent");
    because_of(instance.into_iter().fold(error, Error::heard_from), failure)
}

/// Sets a failure as the cause. A handler may have been executed, whatever that failure says.
fn because_of(error: Error, failure: Option<RequestFailure>) -> Error {
    let error = error.with_executed(Executed::Maybe);
    let causes = failure.map(|failure| {
        let executed = failure.executed().max(Executed::Maybe);
        failed(failure).with_executed(executed)
    });
    causes.into_iter().fold(error, Error::because_of)
}
