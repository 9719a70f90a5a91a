//! A request that is going on.

use std::{
    future::poll_fn,
    sync::Arc,
    task::{Poll, ready},
    time::Instant,
};

use futures_lite::FutureExt;

use crate::{
    Error, ErrorKind, Executed, MessageId,
    body::{Prepared, Source},
    driver::{Answer, OutboundStream, Pending, Shared, Silence},
    handle::Open,
    outgoing::{Outgoing, Ready, To},
    proto::{Outcome, ReasonCode, frame::Request},
    transport::Targets,
};

/// A request that is going on. Dropped before it has ended, it is cancelled wherever it runs.
pub(super) struct Asking {
    handle: Open,
    message: MessageId,
    pub(super) to: To,
    upload: Option<Arc<OutboundStream>>,
    pub(super) pending: Arc<Pending>,
    has_ended: bool,
}

/// Why there is no answer.
pub(super) enum Vain {
    /// Whoever has the request, if anybody has, was silent for too long.
    Silence,
    Deadline,
}

impl Asking {
    /// Listens for answers.
    ///
    /// # Errors
    /// `Closed`.
    pub(super) fn begin(
        ready: &Ready,
        message: MessageId,
        pending: Pending,
    ) -> Result<Self, Error> {
        let shared = ready.handle.shared();
        let asking = Self {
            handle: ready.handle.clone(),
            message,
            to: ready.to.clone(),
            upload: None,
            pending: shared.expect_answer(message, pending),
            has_ended: false,
        };
        // Closing ends what it finds; what came later has to find that out.
        shared.check_open().map_err(|error| ready.to.about(error))?;
        Ok(asking)
    }

    pub(super) fn shared(&self) -> &Arc<Shared> {
        self.handle.shared()
    }

    pub(super) fn message(&self) -> MessageId {
        self.message
    }

    /// There is nothing to cancel any more.
    pub(super) fn end(&mut self) {
        self.has_ended = true;
    }

    /// Ends it without an answer, and cancels it wherever it runs. Returns whether a handler may have
    /// been executed.
    pub(super) fn give_up(&mut self) -> Executed {
        self.has_ended = true;
        // Giving the body up would resolve the request.
        let was_resolved = self.pending.give_up();
        if let Some(upload) = &self.upload {
            upload.abort(ReasonCode::Cancelled.into());
        }
        if !was_resolved {
            self.shared().cancel(self.to.service().clone(), self.message);
        }
        self.executed()
    }

    /// Whether a handler may have been executed: one packet was handed over, or of a body, whether a
    /// receiver was confirmed.
    fn executed(&self) -> Executed {
        self.upload.as_ref().map_or(Executed::Maybe, |upload| upload.executed())
    }

    /// Sends the body in the background: answers may come first. What the outcome says of them is
    /// what `errors` makes of it.
    pub(super) fn upload(
        &mut self,
        ready: &mut Ready,
        source: Source,
        targets: Targets,
        expect: Option<usize>,
        errors: fn(&Outcome) -> Vec<Error>,
    ) {
        let shared = Arc::clone(ready.handle.shared());
        let stream = ready.offer(self.message, source.length(), targets, expect);
        self.upload = Some(Arc::clone(&stream));
        let (pending, tasks) = (Arc::clone(&self.pending), Arc::clone(&shared));
        let (to, message) = (self.to.clone(), self.message);
        tasks.tasks.spawn(async move {
            let errors = match shared.send_body(&stream, source).await {
                Ok(outcome) => errors(&outcome),
                Err(error) => vec![error],
            };
            for error in errors {
                // A handler that will not get the whole body is of no use.
                let concerns_all = !pending.asks_all() || error.instance().is_none();
                let is_useless = error.executed() != Executed::No && concerns_all;
                if is_useless && !pending.is_resolved() {
                    shared.cancel(to.service().clone(), message);
                }
                pending.resolve(Err(error));
            }
            pending.was_asked(shared.now());
        });
    }

    /// Waits for an answer as long as makes sense.
    pub(super) fn wait(
        &self,
        silence: Silence,
        deadline: Option<Instant>,
    ) -> impl Future<Output = Result<Result<Answer, Error>, Vain>> {
        let mut armed = None;
        poll_fn(move |cx| {
            let shared = self.handle.shared();
            loop {
                if let Poll::Ready(answer) = self.pending.poll_answer(cx) {
                    return Poll::Ready(Ok(answer));
                }
                if shared.is_closed() {
                    let closed = Error::from(ErrorKind::Closed);
                    return Poll::Ready(Ok(Err(closed.with_executed(self.executed()))));
                }
                let probe = self.pending.probe_at();
                let silent = self.pending.silent_at(silence);
                let Some(at) = silent.into_iter().chain(deadline).chain(probe).min() else {
                    return Poll::Pending;
                };
                let sleep = match &mut armed {
                    Some((until, sleep)) if *until == at => sleep,
                    other => &mut other.insert((at, shared.sleep_until(at))).1,
                };
                ready!(sleep.poll(cx));
                let now = shared.now();
                if now < at {
                    // It is closed: sleeps end early once nobody would end them any more.
                    continue;
                }
                if deadline.is_some_and(|deadline| now >= deadline) {
                    return Poll::Ready(Err(Vain::Deadline));
                }
                if self.pending.probe_at().is_some_and(|at| now >= at) {
                    shared.probe(self.message, &self.pending);
                }
                // It may have been heard of meanwhile.
                if self.pending.silent_at(silence).is_some_and(|at| now >= at) {
                    return Poll::Ready(Err(Vain::Silence));
                }
            }
        })
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        let shared = self.handle.shared();
        shared.forget_request(self.message);
        if !self.has_ended {
            self.give_up();
        }
    }
}

/// Checks what is to be asked, and gives its body apart from the rest.
pub(super) fn check(
    outgoing: Outgoing,
    deadline: Option<Instant>,
) -> Result<(MessageId, Ready, Source), Error> {
    let shared = outgoing.handle.shared();
    let message = shared.message_id();
    let time_left = deadline.map(|at| at.saturating_duration_since(shared.now()));
    let request = Request { message, time_left, credit: shared.config.first_window };
    let (ready, body) = outgoing.check(Some(request))?;
    Ok((message, ready, body))
}

/// Takes a first look at the body, and waits until replies can come.
pub(super) async fn prepare(
    ready: &Ready,
    body: Source,
    deadline: Option<Instant>,
) -> Result<Prepared, Error> {
    let shared = ready.handle.shared();
    let body = ready.prepare(body).await?;
    shared.ready(deadline).await.map_err(|error| ready.to.about(error))?;
    Ok(body)
}
