//! What is spent on receivers that may not be there.

/// What all receivers of a body together cost that have not repeated their nonce. Who knows the
/// name of a stream can make up any number of receivers, and must not make the sender publish more
/// than this for them. A receiver that is there repeats its nonce within a round trip, and costs
/// nothing here any more.
#[derive(Debug, Default)]
pub(super) struct Unproven {
    /// Beyond what each has for itself.
    words: u64,
    data: u64,
}

/// What one of them costs.
#[derive(Debug, Default)]
pub(super) struct Cost {
    words: u64,
    data: u64,
}

impl Unproven {
    /// Each may be told so much, whatever was spent on others: a confirmation, for one.
    const WORDS_EACH: u64 = 64;
    /// The most that one may be told.
    const WORDS_OF_ONE: u64 = 4 << 10;
    const WORDS: u64 = 256 << 10;
    const DATA: u64 = 512 << 10;

    /// Whether a packet that is not of the body may be sent; then it is counted.
    pub(super) fn say(&mut self, cost: &mut Cost, length: usize) -> bool {
        let words = cost.words.saturating_add(length as u64);
        let beyond = Self::beyond(words) - Self::beyond(cost.words);
        if words > Self::WORDS_OF_ONE || self.words + beyond > Self::WORDS {
            return false;
        }
        self.words += beyond;
        cost.words = words;
        true
    }

    /// Whether a packet of the body may be sent. What one costs is at most what is left for others.
    pub(super) fn has_room(&self, cost: &Cost, length: usize) -> bool {
        let data = cost.data.saturating_add(length as u64);
        data <= Self::DATA.saturating_sub(self.data)
    }

    /// A packet of the body was sent.
    pub(super) fn sent(&mut self, cost: &mut Cost, length: usize) {
        self.data = self.data.saturating_add(length as u64);
        cost.data = cost.data.saturating_add(length as u64);
    }

    /// It is there.
    pub(super) fn proved(&mut self, cost: &Cost) {
        self.words = self.words.saturating_sub(Self::beyond(cost.words));
        self.data = self.data.saturating_sub(cost.data);
    }

    fn beyond(words: u64) -> u64 {
        words.saturating_sub(Self::WORDS_EACH)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_that_come_late_have_something_left() {
        let mut unproven = Unproven::default();
        let mut greedy: Vec<Cost> = (0..4000).map(|_| Cost::default()).collect();
        for cost in &mut greedy {
            while unproven.say(cost, 35) {}
            while unproven.has_room(cost, 1000) {
                unproven.sent(cost, 1000);
            }
        }
        let words: u64 = greedy.iter().map(|cost| cost.words).sum();
        let data: u64 = greedy.iter().map(|cost| cost.data).sum();
        assert!(words + data <= 1 << 20, "{words} + {data}");
        assert!(unproven.say(&mut Cost::default(), 35), "a confirmation");
    }

    #[test]
    fn one_that_is_there_costs_nothing() {
        let mut unproven = Unproven::default();
        let mut cost = Cost::default();
        assert!(unproven.say(&mut cost, 500));
        unproven.sent(&mut cost, 100_000);
        unproven.proved(&cost);
        assert_eq!((unproven.words, unproven.data), (0, 0));
    }
}
