//! The layers of a binding.

use std::sync::atomic::Ordering;

use super::Mailbox;
use crate::{
    Source, Subject,
    accept::{Gate, Refusal},
    driver::ground::{EventFields, Logged},
    error::OneLine,
    lock::lock,
};

impl Mailbox {
    /// Counts a message that a layer has refused, unless its sender may offer it to another member.
    pub(crate) fn count_refused(&self, subject: &Subject, source: &Source, refusal: &Refusal) {
        let ground = &self.work.ground;
        self.record.refused.add(1);
        ground.counters.refused.add(1);
        let text = OneLine(refusal.text());
        let seen = EventFields { error: Some(&text), ..EventFields::about(subject, source, 1) };
        ground.log(Logged::Refused, seen);
    }

    /// Sets what the layers of the binding are asked.
    pub(crate) fn set_gate(&self, gate: Gate) {
        let len = gate.all().len();
        *lock(&self.gate) = gate;
        self.gate_len.store(len, Ordering::Release);
    }

    #[inline]
    pub(in crate::driver) fn gate_len(&self) -> usize {
        self.gate_len.load(Ordering::Acquire)
    }

    pub(in crate::driver) fn gate(&self) -> Gate {
        if self.gate_len() == 0 { Gate::default() } else { lock(&self.gate).clone() }
    }
}
