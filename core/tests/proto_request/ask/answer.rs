//! What the user of an asker gets.

use conduit::{
    Executed, InstanceId,
    proto::{AskerEvent, Outcome},
    transport::Target,
};

use super::{Play, not_sent::NotSent, upload::Upload};

/// What the asker got.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Reply(InstanceId),
    Event(AskerEvent),
    /// Its body is not sent, or it is streamed and nobody is there.
    NotSent(NotSent),
    /// The deadline of a streamed request has passed.
    Deadline(Executed),
    /// The asker has dropped it.
    GivenUp(Executed),
}

impl Play {
    /// Its user gets an answer. One that has failed drops the request.
    pub(super) fn answer(&mut self, answer: Answer) {
        let is_last = !self.asker.takes_all() || self.asker.is_over() || answer.concerns_all();
        let answer = match &mut self.upload {
            Some(upload) if is_last && !matches!(answer, Answer::Reply(_)) => {
                self.asker.cancel();
                // What is not confirmed by now never is.
                upload.abort();
                let is_for_all = self.asker.takes_all();
                answer.beside(upload, is_for_all)
            }
            _ => answer,
        };
        self.answers.push(answer);
        self.answered = self.now - self.start;
    }

    /// The asker drops the request, if it has no answer.
    pub(super) fn give_up(&mut self) {
        if !self.asker.is_over() {
            self.asker.cancel();
            self.answer(Answer::GivenUp(Executed::Maybe));
        }
    }

    /// All of the body is sent, or it is not.
    pub(super) fn was_sent(&mut self, outcome: &Outcome) {
        let errors = match self.asker.takes_all() {
            true => NotSent::of_all(outcome),
            false => NotSent::of_request(outcome).into_iter().collect(),
        };
        for error in errors {
            if self.asker.handle_not_sent(error.executed, error.by.is_none()) {
                self.answer(Answer::NotSent(error));
            }
        }
        self.asker.handle_asked(self.now);
    }
}

impl Answer {
    /// Of all answers, it is the last.
    fn concerns_all(&self) -> bool {
        match self {
            Self::NotSent(error) => error.by.is_none(),
            Self::Event(event) => !matches!(event, AskerEvent::Failed { .. }),
            Self::Reply(_) => false,
            Self::Deadline(_) | Self::GivenUp(_) => true,
        }
    }

    /// What is known of a streamed request that has failed, whose body was given up: that no handler was
    /// executed says nothing of plain bindings that were confirmed.
    fn beside(self, upload: &Upload, is_for_all: bool) -> Self {
        let correct = |executed| match executed {
            Executed::No if !is_for_all => upload.executed_at(Target::Plain),
            executed => executed,
        };
        match self {
            Self::Event(AskerEvent::Failed { failure, executed }) => {
                Self::Event(AskerEvent::Failed { failure, executed: correct(executed) })
            }
            Self::Event(AskerEvent::NoReceivers) => {
                let none = NotSent::NO_RECEIVERS;
                Self::NotSent(NotSent { executed: correct(none.executed), ..none })
            }
            Self::Event(AskerEvent::Deadline) => Self::Deadline(upload.executed()),
            Self::NotSent(error) => {
                Self::NotSent(NotSent { executed: correct(error.executed), ..error })
            }
            Self::GivenUp(_) => Self::GivenUp(upload.executed()),
            answer => answer,
        }
    }
}
