//! The outputs of an asker.

use crate::{
    Executed, InstanceId,
    address::Target,
    proto::{Detail, Reason},
};

/// The content of a [`Failure`](crate::proto::frame::Frame::Failure), from an answerer that does
/// not reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestFailure {
    /// The answerer.
    pub instance: InstanceId,
    /// How the request reached it.
    pub target: Target,
    /// Whether the function of the handler was called.
    pub started: bool,
    /// The reason.
    pub reason: Reason,
    /// The application's details.
    pub detail: Detail,
}

impl RequestFailure {
    /// Returns whether the handler of the answerer was executed.
    #[must_use]
    pub fn executed(&self) -> Executed {
        self.reason.code.executed_in_failure(self.started)
    }

    /// Returns whether no handler has the request, so that another member of the group may take it.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        self.reason.code.is_passing() && self.executed() == Executed::No
    }
}

/// A packet that an [`Asker`](super::Asker) publishes besides the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AskerTransmit {
    /// A Probe to the group, with a token.
    Probe,
    /// A Cancel to the control address of the service.
    Cancel,
}

/// An event of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AskerEvent {
    /// A member of the group has not executed the request. Later requests to this subject should go
    /// to plain bindings in a separate packet, which tells whether there are any.
    NotExecuted,
    /// An answerer has failed, or the group has refused until the end.
    Failed {
        /// The failure.
        failure: RequestFailure,
        /// Whether any handler was executed. For a streamed request, that of a plain binding may
        /// have been, besides the group's, if it was
        /// [confirmed](crate::proto::Outbound::is_confirmed_at).
        executed: Executed,
    },
    /// The broker reports that there is no subscriber.
    NoReceivers,
    /// No answerer has acknowledged the request.
    NoAnswer {
        /// The failure of a plain binding, which counts only if there is no group.
        failure: Option<RequestFailure>,
    },
    /// The answerer that had the request has fallen silent.
    Lost {
        /// The answerer that was heard from last.
        instance: Option<InstanceId>,
        /// The failure of a plain binding, if the group had the request too.
        failure: Option<RequestFailure>,
    },
    /// The deadline has passed.
    Deadline,
}
