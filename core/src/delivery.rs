use crate::{
    Error, ErrorKind, Executed, InstanceId,
    proto::{self, GroupOutcome, Outcome, Reason, ReasonCode},
};

/// What became of a message that was sent one way.
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

/// A receiver that did not get the whole body.
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
    /// The instance, where one is known: where nobody answered, there is none.
    pub instance: Option<InstanceId>,
    /// Why it does not have it, and whether its handler was executed.
    pub error: Error,
}

impl Delivery {
    /// The instances whose binding has read and verified the whole body, once for each binding.
    ///
    /// Empty for a message that went out in one packet: it was handed to the broker, and nobody
    /// knows who got it.
    #[must_use]
    pub fn completed(&self) -> &[InstanceId] {
        &self.completed
    }

    /// The receivers that do not have the whole body, and why.
    #[must_use]
    pub fn failed(&self) -> &[FailedDelivery] {
        &self.failed
    }

    pub(crate) fn handed_over() -> Self {
        Self::default()
    }

    /// # Errors
    /// `NoReceivers`, where there was none; those of [`of`](Self::of).
    pub(crate) fn confirmed(outcome: &Outcome) -> Result<Self, Error> {
        let delivery = Self::of(outcome)?;
        if delivery.completed.is_empty() {
            return Err(ErrorKind::NoReceivers.into());
        }
        Ok(delivery)
    }

    /// # Errors
    /// Where it was given up, or where there were receivers and none has it.
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

/// Why a receiver does not have the body. One that was not confirmed has started no handler.
fn failed(delivery: &proto::Delivery, reason: &Reason) -> Error {
    let error = Error::from_reason(reason).heard_from(delivery.receiver.instance);
    if delivery.confirmed { error } else { error.with_executed(Executed::No) }
}

/// Why the sender gave the body up. Nobody else knows of it who was not confirmed.
fn given_up(reason: &Reason, outcome: &Outcome) -> Error {
    let error = Error::from_own_reason(reason);
    if may_have_run(outcome) { error } else { error.with_executed(Executed::No) }
}

/// Whether a handler may have started.
fn may_have_run(outcome: &Outcome) -> bool {
    outcome.deliveries.iter().any(|delivery| delivery.confirmed)
}

/// The last error. What any of them says to have been executed was executed.
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

/// Why no member of the group took an offer, if one could have.
pub(crate) fn group_error(group: &GroupOutcome) -> Option<Error> {
    match group {
        GroupOutcome::NotAsked | GroupOutcome::Empty | GroupOutcome::Accepted(_) => None,
        GroupOutcome::Silent => Some(ErrorKind::NoAnswer.into()),
        GroupOutcome::Refused(reason) => Some(Error::from_reason(reason)),
    }
}

/// Who will not answer a request to all whose body was streamed, and why.
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

/// Why a receiver will not answer, if it will not. One that wants no more of the body still may.
fn lost(delivery: &proto::Delivery) -> Option<Error> {
    let reason = delivery.result.as_ref().err()?;
    let may_answer = matches!(reason.code, ReasonCode::Dropped | ReasonCode::TooLarge);
    (!may_answer).then(|| failed(delivery, reason))
}

/// Why nobody will answer a request whose body was streamed, if nobody will.
///
/// The group answers if there is one, else the plain bindings; so what happened to others does not
/// matter. A receiver that wants no more of the body may still answer.
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
        // The group may not exist: a plain receiver may answer.
        GroupOutcome::Silent if may_have_run(outcome) => None,
        group => {
            let executed = if may_have_run(outcome) { Executed::Maybe } else { Executed::No };
            group_error(group).map(|error| error.with_executed(executed))
        }
    }
}
