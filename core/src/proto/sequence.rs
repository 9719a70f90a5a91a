//! Sequence numbers, which reveal messages lost in transit.

use std::collections::BTreeMap;

use crate::InstanceId;

/// The number of bits that count; the upper bits identify a numbering.
pub const COUNTER_BITS: u32 = 32;

/// The sequence numbers of each sender that one binding has seen.
#[derive(Debug, Default)]
pub struct SequenceTracker(BTreeMap<InstanceId, SenderNumbers>);

#[derive(Debug)]
struct SenderNumbers {
    next: u64,
    /// How many before `next` have not arrived.
    missing: u64,
}

/// What a sequence number reveals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gap {
    /// No further message is missing.
    None,
    /// This many messages before it are missing.
    Missed(u64),
    /// It is a message that was counted as missing.
    Filled,
}

impl SequenceTracker {
    /// The maximum distance of a number from the expected one, and so the maximum that one packet
    /// can report as missing.
    pub const FARTHEST: u64 = 1 << 20;
    /// How many senders are remembered. Beyond that all are forgotten, and start with their next
    /// number.
    const MOST: usize = 1024;

    /// Notes the number of a message that has arrived.
    pub fn note(&mut self, sender: InstanceId, number: u64) -> Gap {
        let numbering = |number: u64| number >> COUNTER_BITS;
        let known = self.0.get_mut(&sender);
        // After its last number a sender starts another numbering. A number far back is not a late
        // message: an earlier number was wrong.
        let goes_on = |numbers: &&mut SenderNumbers| {
            numbering(numbers.next) == numbering(number)
                && numbers.next.saturating_sub(number) <= Self::FARTHEST
        };
        let known = known.filter(goes_on);
        let Some(numbers) = known else {
            if self.0.len() >= Self::MOST {
                self.0.clear();
            }
            self.0.insert(sender, SenderNumbers { next: number.saturating_add(1), missing: 0 });
            return Gap::None;
        };
        if number < numbers.next {
            // A message from before the first number that was seen fills no gap.
            let fills = numbers.missing > 0;
            numbers.missing = numbers.missing.saturating_sub(1);
            return if fills { Gap::Filled } else { Gap::None };
        }
        let missed = (number - numbers.next).min(Self::FARTHEST);
        numbers.next = number.saturating_add(1);
        numbers.missing = numbers.missing.saturating_add(missed);
        if missed == 0 { Gap::None } else { Gap::Missed(missed) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sender(number: u8) -> InstanceId {
        InstanceId::from_bytes([number; InstanceId::LEN])
    }

    #[test]
    fn a_gap_is_as_wide_as_it_is_and_may_be_filled() {
        let mut seen = SequenceTracker::default();
        let steps = [
            (5, Gap::None),
            // It was sent before this binding began.
            (4, Gap::None),
            (6, Gap::None),
            (10, Gap::Missed(3)),
            (8, Gap::Filled),
            (11, Gap::None),
            (7, Gap::Filled),
            (9, Gap::Filled),
            (9, Gap::None),
        ];
        for (number, gap) in steps {
            assert_eq!(seen.note(sender(1), number), gap, "{number}");
            assert_eq!(seen.note(sender(2), number), gap, "senders do not meddle: {number}");
        }
    }

    #[test]
    fn one_packet_claims_so_many_and_no_more() {
        let mut seen = SequenceTracker::default();
        let far = SequenceTracker::FARTHEST;
        let steps = [
            (0, Gap::None),
            (far + 1, Gap::Missed(far)),
            (far + 2 + far + 7, Gap::Missed(far)),
            // It begins anew with what comes from far back: a later loss is seen as before.
            (1, Gap::None),
            (4, Gap::Missed(2)),
            (3, Gap::Filled),
            (u64::from(u32::MAX), Gap::Missed(far)),
            (5, Gap::None),
            (7, Gap::Missed(1)),
            // As far back as the farthest is late.
            (7 + far, Gap::Missed(far - 1)),
            (8, Gap::Filled),
        ];
        for (number, gap) in steps {
            assert_eq!(seen.note(sender(1), number), gap, "{number}");
        }
    }

    #[test]
    fn forged_numbers_overflow_nothing() {
        let mut seen = SequenceTracker::default();
        for number in [0, u64::from(u32::MAX), u64::MAX - 1, u64::MAX, u64::MAX, 0] {
            seen.note(sender(1), number);
        }
        for sender in 0..3_000_u32 {
            let mut bytes = [0; InstanceId::LEN];
            bytes[..4].copy_from_slice(&sender.to_be_bytes());
            seen.note(InstanceId::from_bytes(bytes), 7);
        }
        assert!(seen.0.len() <= SequenceTracker::MOST);
    }
}
