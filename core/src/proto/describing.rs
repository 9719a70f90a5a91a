//! Decides which questions for a description are answered, and when.

use std::{
    collections::{BTreeMap, VecDeque},
    time::{Duration, Instant},
};

use crate::{MessageId, Source};

/// The questions for a description that an instance has yet to answer.
///
/// Answers come after a random part of a third of the time that the asker waits, so that the
/// instances of a large service do not all answer at the same moment, and at most
/// [`PER_SECOND`](Self::PER_SECOND), so that questions under made-up names are worth little.
///
/// Call [`handle_describe`](Self::handle_describe) for each question, and
/// [`poll_question`](Self::poll_question) at [`poll_timeout`](Self::poll_timeout) until it returns
/// `None`. A call too many does nothing.
#[derive(Debug, Default)]
pub struct Describing {
    due: BTreeMap<(Instant, MessageId), Question>,
    /// When the last answers were given.
    answered: VecDeque<Instant>,
}

/// A question for a description.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// Its id.
    pub message: MessageId,
    /// Who asks.
    pub asker: Source,
    /// Whether the answer tells nothing of bindings, limits and amounts.
    pub brief: bool,
    /// When it arrived.
    pub asked: Instant,
}

impl Describing {
    /// How many questions are answered in any second.
    pub const PER_SECOND: usize = 10;
    /// How many questions may wait for their answers. Further ones are ignored.
    pub const MAX_WAITING: usize = 100;
    /// The longest time of an asker that counts.
    pub const MAX_WAIT: Duration = Duration::from_secs(30);

    /// Returns whether another question may wait.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.due.len() < Self::MAX_WAITING
    }

    /// Takes a question, whose asker waits for `wait`. `random` chooses when it is answered. Returns
    /// whether it will be.
    pub fn handle_describe(&mut self, question: Question, wait: Duration, random: u64) -> bool {
        if !self.has_room() || self.due.keys().any(|(_, message)| *message == question.message) {
            return false;
        }
        let third = wait.min(Self::MAX_WAIT) / 3;
        let part = (third.as_nanos() * u128::from(random)) >> u64::BITS;
        let pause = Duration::from_nanos(u64::try_from(part).unwrap_or(u64::MAX));
        self.due.insert((question.asked + pause, question.message), question);
        true
    }

    /// Returns when the next question has to be answered.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let ((due, _), _) = self.due.first_key_value()?;
        Some(self.next_free().map_or(*due, |free| free.max(*due)))
    }

    /// Returns a question that has to be answered now.
    pub fn poll_question(&mut self, now: Instant) -> Option<Question> {
        if self.poll_timeout()? > now {
            return None;
        }
        if self.answered.len() == Self::PER_SECOND {
            self.answered.pop_front();
        }
        self.answered.push_back(now);
        self.due.pop_first().map(|(_, question)| question)
    }

    /// Returns when another answer is allowed, if not at once.
    fn next_free(&self) -> Option<Instant> {
        let is_full = self.answered.len() == Self::PER_SECOND;
        let first = self.answered.front().filter(|_| is_full)?;
        Some(*first + Duration::from_secs(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::InstanceId;

    const WAIT: Duration = Duration::from_secs(3);

    fn question(number: u8, asked: Instant) -> Question {
        let service = "asker".parse().expect("a name");
        let asker = Source { service, instance: InstanceId::from_bytes([1; InstanceId::LEN]) };
        Question { message: MessageId::from_bytes([number; 16]), asker, brief: true, asked }
    }

    /// Answers everything that is due until nothing is left, and returns when.
    fn answers(describing: &mut Describing, start: Instant) -> Vec<Duration> {
        let mut at = Vec::new();
        while let Some(due) = describing.poll_timeout() {
            assert_eq!(describing.poll_question(due - Duration::from_nanos(1)), None);
            describing.poll_question(due).expect("it is due");
            at.push(due - start);
        }
        at
    }

    #[test]
    fn a_question_is_answered_once_within_a_third_of_the_wait() {
        let start = Instant::now();
        for (random, pause) in [(0, 0), (1 << 63, 500), (u64::MAX, 999)] {
            let mut describing = Describing::default();
            assert!(describing.handle_describe(question(1, start), WAIT, random));
            assert!(!describing.handle_describe(question(1, start), WAIT, 7), "it is known");
            let at = answers(&mut describing, start);
            assert_eq!(at.iter().map(Duration::as_millis).collect::<Vec<_>>(), [pause]);
        }
    }

    #[test]
    fn any_second_has_at_most_ten_answers_whatever_is_asked() {
        let start = Instant::now();
        let mut describing = Describing::default();
        let asked = (0..=u8::MAX).map(|number| question(number, start));
        let taken = asked.filter(|it| describing.handle_describe(it.clone(), WAIT, 0)).count();
        assert_eq!(taken, Describing::MAX_WAITING);
        let at = answers(&mut describing, start);
        assert_eq!(at.len(), taken);
        let far = at.windows(Describing::PER_SECOND + 1).map(|some| some[10] - some[0]);
        assert_eq!(far.min(), Some(Duration::from_secs(1)));
    }

    #[test]
    fn a_wait_that_nobody_means_is_cut() {
        let start = Instant::now();
        let mut describing = Describing::default();
        describing.handle_describe(question(1, start), Duration::MAX, u64::MAX);
        assert!(answers(&mut describing, start)[0] < Duration::from_secs(10));
    }
}
