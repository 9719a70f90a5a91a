//! Which outcome of a body answers its request, as the driver has it.

use conduit::{
    Executed, InstanceId,
    proto::{GroupOutcome, Outcome, Reason, ReasonCode, ReceiverOutcome},
};

/// A body that is not sent, or not to one receiver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NotSent {
    /// The receiver; none where it concerns all.
    pub(crate) by: Option<InstanceId>,
    pub(crate) cause: Cause,
    pub(crate) executed: Executed,
}

/// Why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    NoReceivers,
    NoAnswer,
    Reason(ReasonCode),
}

impl NotSent {
    pub(super) const NO_RECEIVERS: Self = Self::none(Cause::NoReceivers);
    const NO_ANSWER: Self = Self::none(Cause::NoAnswer);

    const fn none(cause: Cause) -> Self {
        Self { by: None, cause, executed: Executed::No }
    }

    /// Why there will be no answer, if there will be none.
    pub(super) fn of_request(outcome: &Outcome) -> Option<Self> {
        if let Some(reason) = &outcome.aborted {
            return Some(Self::aborted(reason, outcome));
        }
        match &outcome.group {
            GroupOutcome::Accepted(member) => {
                let member = outcome.deliveries.iter().find(|it| it.receiver == *member);
                member.and_then(Self::lost)
            }
            GroupOutcome::Empty | GroupOutcome::NotAsked => {
                let lost: Option<Vec<_>> = outcome.deliveries.iter().map(Self::lost).collect();
                let lost = lost?;
                let executed = lost.iter().map(|lost| lost.executed).max();
                let last =
                    lost.into_iter().next_back().unwrap_or_else(|| Self::not_received(outcome));
                Some(Self { executed: executed.unwrap_or(Executed::No), ..last })
            }
            GroupOutcome::Silent if may_have_run(outcome) => None,
            GroupOutcome::Silent => Some(Self::NO_ANSWER),
            GroupOutcome::Refused(reason) => {
                let executed = if may_have_run(outcome) { Executed::Maybe } else { Executed::No };
                Some(Self { executed, ..Self::none(Cause::Reason(reason.code)) })
            }
        }
    }

    /// Which answers there will not be, of all.
    pub(super) fn of_all(outcome: &Outcome) -> Vec<Self> {
        if let Some(reason) = &outcome.aborted {
            return vec![Self::aborted(reason, outcome)];
        }
        if outcome.deliveries.is_empty() {
            return vec![Self::not_received(outcome)];
        }
        outcome.deliveries.iter().filter_map(Self::lost).collect()
    }

    fn not_received(outcome: &Outcome) -> Self {
        if outcome.silent { Self::NO_ANSWER } else { Self::NO_RECEIVERS }
    }

    fn aborted(reason: &Reason, outcome: &Outcome) -> Self {
        let executed = if may_have_run(outcome) { reason.code.executed() } else { Executed::No };
        Self { executed, ..Self::none(Cause::Reason(reason.code)) }
    }

    /// A receiver that wants no more of the body may still answer.
    fn lost(delivery: &ReceiverOutcome) -> Option<Self> {
        let code = delivery.result.as_ref().err()?.code;
        let may_answer = matches!(code, ReasonCode::Dropped | ReasonCode::TooLarge);
        let executed = delivery.executed();
        let by = Some(delivery.receiver.instance);
        (!may_answer).then_some(Self { by, cause: Cause::Reason(code), executed })
    }
}

fn may_have_run(outcome: &Outcome) -> bool {
    outcome.deliveries.iter().any(|delivery| delivery.confirmed)
}
