//! The questions that this instance was asked.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use event_listener::Event;
use futures_lite::future;

use crate::{
    MessageId, Source,
    driver::ground::Ground,
    lock::lock,
    proto::{Describing, Question},
};

/// The questions that this instance was asked, and has yet to answer.
pub(crate) struct Asked {
    ground: Arc<Ground>,
    describing: Mutex<Describing>,
    /// Notified when there is a question that is due before all others.
    sooner: Event,
}

impl Asked {
    pub(in crate::driver) fn new(ground: Arc<Ground>) -> Self {
        Self { ground, describing: Mutex::default(), sooner: Event::new() }
    }

    /// Handles a question, which may be forged.
    pub(in crate::driver) fn handle_describe(
        &self,
        message: MessageId,
        asker: Source,
        wait: Duration,
        brief: bool,
    ) {
        if !self.ground.about.describes {
            return;
        }
        let mut describing = lock(&self.describing);
        if !describing.has_room() {
            return;
        }
        let question = Question { message, asker, brief, asked: self.ground.now() };
        let before = describing.poll_timeout();
        let is_taken = describing.handle_describe(question, wait, self.ground.random());
        let is_sooner = before.is_none_or(|before| describing.poll_timeout() < Some(before));
        drop(describing);
        if is_taken && is_sooner {
            self.sooner.notify(usize::MAX);
        }
    }

    /// Waits for the next question that has to be answered, and calls `answer` with it, for ever.
    pub(in crate::driver) async fn answer_each(&self, answer: impl Fn(Question)) {
        loop {
            let sooner = self.sooner.listen();
            let due = lock(&self.describing).poll_timeout();
            if due.is_none_or(|due| due > self.ground.now()) {
                future::or(sooner, self.due(due)).await;
            }
            self.answer_until(self.ground.now(), &answer);
        }
    }

    /// Calls `answer` with each question that has to be answered by an instant.
    pub(in crate::driver) fn answer_until(&self, by: Instant, answer: impl Fn(Question)) {
        loop {
            let question = lock(&self.describing).poll_question(by);
            let Some(question) = question else { return };
            answer(question);
        }
    }

    async fn due(&self, at: Option<Instant>) {
        match at {
            Some(at) => self.ground.pause_until(at).await,
            None => future::pending().await,
        }
    }
}
