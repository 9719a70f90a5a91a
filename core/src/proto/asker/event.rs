//! What an asker says.

use crate::{
    InstanceId,
    address::Target,
    proto::{Detail, Executed, Reason},
};

/// A [`Failure`](crate::proto::frame::Frame::Failure): what an answerer says that does not reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestFailure {
    /// Who says so.
    pub instance: InstanceId,
    /// How the request reached it.
    pub target: Target,
    /// The function of the handler was called.
    pub started: bool,
    /// Why.
    pub reason: Reason,
    /// What the application adds.
    pub detail: Detail,
}

impl RequestFailure {
    /// Whether the handler of the instance that says so was executed.
    #[must_use]
    pub fn executed(&self) -> Executed {
        self.reason.code.executed_in_failure(self.started)
    }

    /// Whether no handler has it, so that another member of the group may get it.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        self.reason.code.is_refusal() && self.executed() == Executed::No
    }
}

/// What an [`Asker`](super::Asker) publishes beside the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AskerTransmit {
    /// A Probe to the group, with a token.
    Probe,
    /// A Cancel to the control address of the service.
    Cancel,
}

/// What has become of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AskerEvent {
    /// A member of the group has not executed it. Whether plain bindings have is known of a request to
    /// this subject that goes to them in a packet of its own.
    NotExecuted,
    /// An answerer has failed, or the group refuses until the end.
    Failed {
        /// What was said.
        failure: RequestFailure,
        /// Whether a handler was executed, anywhere. Of a streamed request, that of a plain binding may
        /// have been beside the group's, if it was [confirmed](crate::proto::Outbound::is_confirmed_at).
        executed: Executed,
    },
    /// The broker says that there is no subscriber.
    NoReceivers,
    /// No answerer has said that it has the request.
    NoAnswer {
        /// What a plain binding said that has it no more: there may be a group.
        failure: Option<RequestFailure>,
    },
    /// The answerer that had the request has fallen silent.
    Lost {
        /// Who was heard of last.
        instance: Option<InstanceId>,
        /// What a plain binding said, where the group had it too.
        failure: Option<RequestFailure>,
    },
    /// The deadline has passed.
    Deadline,
}
