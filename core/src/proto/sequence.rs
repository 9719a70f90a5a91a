//! Numbers that make a loss on the way visible.

use std::collections::BTreeMap;

use crate::{InstanceId, ServiceName, Subject};

/// The lower half of a number counts; the upper half tells one numbering from the next.
const COUNTER_BITS: u32 = 32;

/// The sender's part: a number for each message, by where it goes.
#[derive(Debug, Default)]
pub struct Numbering {
    /// How often all subjects were forgotten.
    epoch: u64,
    subjects: usize,
    next: BTreeMap<ServiceName, BTreeMap<Subject, u64>>,
}

impl Numbering {
    /// How many subjects are remembered. Then all are forgotten, and numbered anew.
    const MOST: usize = 4096;

    /// The number of the next message to a subject of a service.
    pub fn next(&mut self, service: &ServiceName, subject: &Subject) -> u64 {
        let known = self.next.get_mut(service).and_then(|subjects| subjects.get_mut(subject));
        let count = match known {
            Some(next) => {
                let count = *next;
                *next += 1;
                count
            }
            None if self.subjects < Self::MOST => {
                self.subjects += 1;
                self.next.entry(service.clone()).or_default().insert(subject.clone(), 1);
                0
            }
            None => return self.anew(service, subject),
        };
        if count >> COUNTER_BITS == 0 {
            self.epoch << COUNTER_BITS | count
        } else {
            self.anew(service, subject)
        }
    }

    fn anew(&mut self, service: &ServiceName, subject: &Subject) -> u64 {
        *self = Self { epoch: self.epoch + 1, ..Self::default() };
        self.next(service, subject)
    }
}

/// The receiver's part: what one binding has seen of each sender's numbers.
#[derive(Debug, Default)]
pub struct Seen(BTreeMap<InstanceId, Source>);

#[derive(Debug)]
struct Source {
    next: u64,
    /// How many before `next` have not come.
    missing: u64,
}

/// What a number says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gap {
    /// Nothing is missing before it that was not missing already.
    None,
    /// So many before it have not come.
    Missed(u64),
    /// It is one that was thought to be missing.
    Filled,
}

impl Seen {
    /// How many senders are remembered. Then all are forgotten, and begin with what comes next.
    const MOST: usize = 1024;

    /// Notes the number of a message that has come.
    pub fn note(&mut self, sender: InstanceId, number: u64) -> Gap {
        let numbering = |number: u64| number >> COUNTER_BITS;
        let known = self.0.get_mut(&sender);
        // A number that was used up is followed by another numbering.
        let known = known.filter(|source| numbering(source.next) == numbering(number));
        let Some(source) = known else {
            if self.0.len() >= Self::MOST {
                self.0.clear();
            }
            self.0.insert(sender, Source { next: number.saturating_add(1), missing: 0 });
            return Gap::None;
        };
        if number < source.next {
            // One that came before we began is no news.
            let fills = source.missing > 0;
            source.missing = source.missing.saturating_sub(1);
            return if fills { Gap::Filled } else { Gap::None };
        }
        let missed = number - source.next;
        source.next = number.saturating_add(1);
        source.missing = source.missing.saturating_add(missed);
        if missed == 0 { Gap::None } else { Gap::Missed(missed) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sender(number: u8) -> InstanceId {
        InstanceId::from_bytes([number; InstanceId::LEN])
    }

    fn names(number: usize) -> (ServiceName, Subject) {
        let service = "service".parse().expect("a service name");
        (service, format!("subject.{number}").parse().expect("a subject"))
    }

    #[test]
    fn each_subject_is_numbered_from_the_start() {
        let mut numbering = Numbering::default();
        for expected in 0..3 {
            for subject in 0..3 {
                let (service, subject) = names(subject);
                assert_eq!(numbering.next(&service, &subject), expected);
            }
        }
    }

    #[test]
    fn too_many_subjects_are_numbered_anew_and_nothing_seems_to_be_missing() {
        let (mut numbering, mut seen) = (Numbering::default(), Seen::default());
        let (service, subject) = names(0);
        for round in 0..3 * Numbering::MOST {
            let (_, other) = names(round);
            numbering.next(&service, &other);
            let number = numbering.next(&service, &subject);
            assert!(matches!(seen.note(sender(1), number), Gap::None | Gap::Missed(1)));
        }
        assert!(numbering.epoch >= 2);
        assert!(numbering.subjects <= Numbering::MOST);
    }

    #[test]
    fn a_gap_is_as_wide_as_it_is_and_may_be_filled() {
        let mut seen = Seen::default();
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
    fn forged_numbers_overflow_nothing() {
        let mut seen = Seen::default();
        for number in [0, u64::from(u32::MAX), u64::MAX - 1, u64::MAX, u64::MAX, 0] {
            seen.note(sender(1), number);
        }
        for source in 0..3_000_u32 {
            let mut bytes = [0; InstanceId::LEN];
            bytes[..4].copy_from_slice(&source.to_be_bytes());
            seen.note(InstanceId::from_bytes(bytes), 7);
        }
        assert!(seen.0.len() <= Seen::MOST);
    }
}
