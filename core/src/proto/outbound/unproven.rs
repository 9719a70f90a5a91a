//! Limits what is sent to receivers that may not exist.

/// The bytes sent to all receivers of a body that have not repeated their nonce. A peer that knows
/// the id of a stream can forge any number of receivers, and must not make the sender publish more
/// than this for them. A receiver that exists repeats its nonce within a round trip, and is then no
/// longer counted here.
#[derive(Debug, Default)]
pub(super) struct Unproven {
    /// Bytes of control packets beyond the allowance of each receiver.
    words: u64,
    data: u64,
}

/// The bytes sent to one of them.
#[derive(Debug, Default)]
pub(super) struct Cost {
    words: u64,
    data: u64,
}

impl Unproven {
    /// The allowance of each for control packets, whatever was spent on others; enough for a
    /// confirmation.
    const WORDS_EACH: u64 = 64;
    /// The maximum of control packets for one.
    const WORDS_OF_ONE: u64 = 4 << 10;
    const WORDS: u64 = 256 << 10;
    const DATA: u64 = 512 << 10;

    /// Returns whether a control packet may be sent; if so, counts it.
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

    /// Returns whether a chunk may be sent. One receiver may cost at most what is left for others.
    pub(super) fn has_room(&self, cost: &Cost, length: usize) -> bool {
        let data = cost.data.saturating_add(length as u64);
        data <= Self::DATA.saturating_sub(self.data)
    }

    /// Counts a chunk that was sent.
    pub(super) fn sent(&mut self, cost: &mut Cost, length: usize) {
        self.data = self.data.saturating_add(length as u64);
        cost.data = cost.data.saturating_add(length as u64);
    }

    /// Stops counting a receiver that has repeated its nonce.
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
