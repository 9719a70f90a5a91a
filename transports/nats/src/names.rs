//! The NATS subjects of the addresses that packets are published to, made once.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use async_nats::Subject;
use conduit::transport::Address;
use foldhash::fast::RandomState;

/// The subjects where a publish is known to be permitted: nothing has to be asked before it, and
/// nothing written, counted or looked for.
#[derive(Default)]
pub(crate) struct Names(Mutex<Known>);

#[derive(Default)]
struct Known {
    /// How often permissions had changed when these were permitted.
    changes: u64,
    subjects: HashMap<Address, Subject, RandomState>,
}

impl Names {
    /// How many are remembered. Then all are forgotten: whoever asks us chooses the inboxes that we
    /// answer to.
    const MOST: usize = 4096;

    /// The subject of an address, if it is known and permissions have changed so often.
    pub(crate) fn get(&self, to: &Address, changes: u64) -> Option<Subject> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.changes != changes {
            return None;
        }
        known.subjects.get(to).cloned()
    }

    /// Remembers that a publish was permitted when permissions had changed so often.
    pub(crate) fn permit(&self, to: &Address, subject: &Subject, changes: u64) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.changes != changes || known.subjects.len() >= Self::MOST {
            known.subjects.clear();
            known.changes = changes;
        }
        known.subjects.insert(to.clone(), subject.clone());
    }
}

#[cfg(test)]
mod tests {
    use conduit::transport::Address;

    use super::Names;

    fn control(number: usize) -> Address {
        Address::Control { service: format!("service-{number}").parse().expect("a name") }
    }

    #[test]
    fn what_was_permitted_is_asked_again_after_a_change() {
        let names = Names::default();
        names.permit(&control(1), &"one".into(), 3);
        assert_eq!(names.get(&control(1), 3).as_deref(), Some("one"));
        assert_eq!(names.get(&control(2), 3), None);
        assert_eq!(names.get(&control(1), 4), None);
        names.permit(&control(2), &"two".into(), 4);
        assert_eq!(names.get(&control(1), 4), None);
        assert_eq!(names.get(&control(2), 4).as_deref(), Some("two"));
    }

    #[test]
    fn few_are_kept() {
        let names = Names::default();
        for number in 0..3 * Names::MOST {
            names.permit(&control(number), &"a.subject".into(), 0);
        }
        assert!(names.0.lock().expect("not poisoned").subjects.len() <= Names::MOST);
        assert!(names.get(&control(3 * Names::MOST - 1), 0).is_some());
    }
}
