use crate::{
    Error, ErrorKind, Executed, InstanceId,
    proto::{self, GroupOutcome, Outcome, Reason, ReasonCode},
};

/// The result of sending a one-way message.
///
/// ```
/// use conduit::Conduit;
/// use conduit_json::Json;
/// use conduit_memory::Memory;
/// use conduit_smol::Smol;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # smol::block_on(async {
/// let conduit = Conduit::new("storage", Smol, Memory::new(), Json)?;
/// conduit.queue_bind("store").await?.to(|message| async move { message.to_bytes().await.map(drop) });
///
/// let service = conduit.own_service();
/// let streamed = service.send_body("store", vec![0; 100_000]).await?;
/// assert_eq!(streamed.completed(), [conduit.instance()]);
/// assert!(streamed.failed().is_empty());
///
/// let small = service.send_body("store", "one packet").await?;
/// assert!(small.completed().is_empty()); // the broker has it: nothing more is known
/// # Ok(())
/// # })
/// # }
/// ```
#[derive(Debug, Default)]
pub struct Delivery {
    completed: Vec<InstanceId>,
    failed: Vec<FailedDelivery>,
}

/// A receiver that did not receive the whole body.
///
/// ```
/// use conduit::{Conduit, ErrorKind};
/// use conduit_json::Json;
/// use conduit_memory::Memory;
/// use conduit_smol::Smol;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # smol::block_on(async {
/// let conduit = Conduit::new("storage", Smol, Memory::new(), Json)?;
/// conduit.bind("store").await?.to(|message| async move { message.to_bytes().await.map(drop) });
/// conduit.bind("store").await?.to(|message| async move { drop(message) });
///
/// let service = conduit.own_service();
/// let delivery = service.send_body("store", vec![0; 100_000]).expect(2).await?;
/// let [failed] = delivery.failed() else { panic!("one of them reads it") };
/// assert_eq!(failed.instance, Some(conduit.instance()));
/// assert_eq!(failed.error.kind(), ErrorKind::Dropped);
/// # Ok(())
/// # })
/// # }
/// ```
#[derive(Debug)]
pub struct FailedDelivery {
    /// The instance, if known; `None` if no receiver answered.
    pub instance: Option<InstanceId>,
    /// Why the delivery failed, and whether the handler was executed.
    pub error: Error,
}

impl Delivery {
    /// Returns the instances that have read and verified the whole body, once for each binding.
    ///
    /// Empty for a message of one packet: the broker took it, and its receivers are not known.
    #[must_use]
    pub fn completed(&self) -> &[InstanceId] {
        &self.completed
    }

    /// Returns the receivers that do not have the whole body, with the reasons.
    #[must_use]
    pub fn failed(&self) -> &[FailedDelivery] {
        &self.failed
    }

    pub(crate) fn handed_over() -> Self {
        Self::default()
    }

    /// Converts the outcome of a body that needs at least one receiver.
    ///
    /// # Errors
    /// `NoReceivers` if there was none; those of [`of`](Self::of).
    pub(crate) fn confirmed(outcome: &Outcome) -> Result<Self, Error> {
        let delivery = Self::of(outcome)?;
        if delivery.completed.is_empty() {
            return Err(ErrorKind::NoReceivers.into());
        }
        Ok(delivery)
    }

    /// Converts the outcome of a body.
    ///
    /// # Errors
    /// If the sender aborted the body, or all receivers failed.
    pub(crate) fn of(outcome: &Outcome) -> Result<Self, Error> {
        if let Some(reason) = &outcome.aborted {
            return Err(given_up(reason, outcome));
        }
        let mut delivery = Self::default();
        for one in &outcome.deliveries {
            let instance = one.receiver.instance;
            match &one.result {
                Ok(()) => delivery.completed.push(instance),
                Err(reason) => delivery
                    .failed
                    .push(FailedDelivery { instance: Some(instance), error: failed(one, reason) }),
            }
        }
        let silent = outcome.silent.then(|| ErrorKind::NoAnswer.into());
        if let Some(error) = group_error(&outcome.group).or(silent) {
            delivery.failed.push(FailedDelivery { instance: None, error });
        }
        if delivery.completed.is_empty() && !delivery.failed.is_empty() {
            let errors = delivery.failed.into_iter().map(|failed| failed.error);
            return Err(last_of(errors.collect()).unwrap_or_else(|| ErrorKind::Other.into()));
        }
        Ok(delivery)
    }
}

/// Returns why a receiver does not have the body.
fn failed(delivery: &proto::ReceiverOutcome, reason: &Reason) -> Error {
    let error = Error::from_reason(reason).heard_from(delivery.receiver.instance);
    error.with_executed(delivery.executed())
}

/// Returns why the sender aborted the body. Without a confirmed receiver, no handler has started.
fn given_up(reason: &Reason, outcome: &Outcome) -> Error {
    let error = Error::from_own_reason(reason);
    if may_have_run(outcome) { error } else { error.with_executed(Executed::No) }
}

/// Returns whether a handler may have started.
fn may_have_run(outcome: &Outcome) -> bool {
    outcome.deliveries.iter().any(|delivery| delivery.confirmed)
}

/// Returns the last error, with the strongest `executed` of all of them.
fn last_of(mut errors: Vec<Error>) -> Option<Error> {
    let last = errors.pop()?;
    let said = |executed| errors.iter().any(|error| error.executed() == executed);
    let executed = match last.executed() {
        _ if said(Executed::Yes) => Executed::Yes,
        Executed::No if said(Executed::Maybe) => Executed::Maybe,
        executed => executed,
    };
    Some(last.with_executed(executed))
}

/// Returns why no member of the group took an offer, unless there was no group or one did.
pub(crate) fn group_error(group: &GroupOutcome) -> Option<Error> {
    match group {
        GroupOutcome::NotAsked | GroupOutcome::Empty | GroupOutcome::Accepted(_) => None,
        GroupOutcome::Silent => Some(ErrorKind::NoAnswer.into()),
        GroupOutcome::Refused(reason) => Some(Error::from_reason(reason)),
    }
}

/// Returns an error for each receiver that will not answer a streamed request to all.
pub(crate) fn errors_of_all(outcome: &Outcome) -> Vec<Error> {
    if let Some(reason) = &outcome.aborted {
        return vec![given_up(reason, outcome)];
    }
    if outcome.deliveries.is_empty() {
        let none = if outcome.silent { ErrorKind::NoAnswer } else { ErrorKind::NoReceivers };
        return vec![none.into()];
    }
    outcome.deliveries.iter().filter_map(lost).collect()
}

/// Returns why a receiver will not answer. A receiver that only stopped reading may still answer.
fn lost(delivery: &proto::ReceiverOutcome) -> Option<Error> {
    let reason = delivery.result.as_ref().err()?;
    let may_answer = matches!(reason.code, ReasonCode::Dropped | ReasonCode::TooLarge);
    (!may_answer).then(|| failed(delivery, reason))
}

/// Returns why no receiver will answer a request with a streamed body, if none will.
///
/// The group answers if there is one, else the plain bindings; failures of the others do not
/// matter. A receiver that only stopped reading may still answer.
pub(crate) fn request_error(outcome: &Outcome) -> Option<Error> {
    if let Some(reason) = &outcome.aborted {
        return Some(given_up(reason, outcome));
    }
    match &outcome.group {
        GroupOutcome::Accepted(member) => {
            let member = outcome.deliveries.iter().find(|delivery| delivery.receiver == *member);
            member.and_then(lost)
        }
        GroupOutcome::Empty | GroupOutcome::NotAsked => {
            let failures: Option<Vec<_>> = outcome.deliveries.iter().map(lost).collect();
            let none = if outcome.silent { ErrorKind::NoAnswer } else { ErrorKind::NoReceivers };
            Some(last_of(failures?).unwrap_or_else(|| none.into()))
        }
        // There may be no group: a plain receiver may answer.
        GroupOutcome::Silent if may_have_run(outcome) => None,
        group => {
            let executed = if may_have_run(outcome) { Executed::Maybe } else { Executed::No };
            group_error(group).map(|error| error.with_executed(executed))
        }
    }
}
