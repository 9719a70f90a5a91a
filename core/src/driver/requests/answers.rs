//! The answers to one request that wait to be taken.

#[cfg(test)]
mod tests;

use std::{collections::VecDeque, sync::Arc};

use super::Answer;
use crate::{
    Error, ErrorKind, Executed, InstanceId,
    driver::waiting::{Charge, UNCHARGED, WaitingBytes},
};

/// How many answers of one request may wait, and how many bytes of them.
#[derive(Clone, Copy)]
pub(crate) struct Room {
    pub(crate) answers: usize,
    pub(crate) bytes: u64,
}

/// What an answer holds, and what that is charged to. Nothing of one that is made here.
#[derive(Clone, Copy, Default)]
pub(super) struct Weight<'a> {
    pub(super) bytes: u64,
    pub(super) budget: Option<&'a Arc<WaitingBytes>>,
}

impl Weight<'_> {
    /// Charges it, if there is room.
    fn charge(&self, anyway: bool) -> Option<Charge> {
        match self.budget {
            Some(budget) => Charge::new(budget, self.bytes, anyway),
            None => Some(Charge::default()),
        }
    }
}

#[derive(Default)]
pub(super) struct Answers {
    /// The next one, and those behind it: mostly there is one at most.
    next: Option<Waiting>,
    later: VecDeque<Waiting>,
    bytes: u64,
}

struct Waiting {
    item: Item,
    bytes: u64,
    /// What it charges until it is taken.
    _charge: Charge,
}

enum Item {
    Answer(Result<Answer, Error>),
    /// There was no room for some, not even to name each.
    Dropped(Dropped),
}

/// What is known of answers that were dropped.
#[derive(Clone, Copy)]
struct Dropped {
    count: usize,
    /// Who gave the last of those that this is true of.
    instance: InstanceId,
    executed: Executed,
}

impl Answers {
    pub(super) fn len(&self) -> usize {
        usize::from(self.next.is_some()) + self.later.len()
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Adds the only one that there will be. It has to be taken, whatever its size.
    pub(super) fn add_only(&mut self, answer: Result<Answer, Error>, weight: Weight<'_>) {
        let is_charged = weight.bytes > UNCHARGED;
        let charge = is_charged.then(|| weight.charge(true)).flatten().unwrap_or_default();
        self.add(Item::Answer(answer), weight.bytes, charge);
    }

    /// Adds one of many. Where there is no room for it, an error that names who gave it takes its
    /// place, and the answer comes back, to be dropped.
    pub(super) fn add_one(
        &mut self,
        room: Room,
        answer: Result<Answer, Error>,
        weight: Weight<'_>,
    ) -> Option<Result<Answer, Error>> {
        let Some((instance, executed)) = origin(&answer) else {
            // It concerns all of them, and nothing comes after it.
            self.add(Item::Answer(answer), 0, Charge::default());
            return None;
        };
        let dropped = Dropped { count: 1, instance, executed };
        if self.len() >= room.answers {
            self.drop_more(dropped);
            return Some(answer);
        }
        let is_first = self.next.is_none();
        let fits = is_first || self.bytes.saturating_add(weight.bytes) <= room.bytes;
        if let Some(charge) = fits.then(|| weight.charge(is_first)).flatten() {
            self.add(Item::Answer(answer), weight.bytes, charge);
            return None;
        }
        self.add(Item::Answer(Err(dropped.into())), 0, Charge::default());
        Some(answer)
    }

    /// Takes the next one, and says for how many it stands.
    pub(super) fn take(&mut self) -> Option<(Result<Answer, Error>, usize)> {
        let Waiting { item, bytes, .. } = self.next.take()?;
        self.next = self.later.pop_front();
        self.bytes -= bytes;
        Some(match item {
            Item::Answer(answer) => (answer, 1),
            Item::Dropped(dropped) => (Err(dropped.into()), dropped.count),
        })
    }

    fn add(&mut self, item: Item, bytes: u64, charge: Charge) {
        self.bytes += bytes;
        let waiting = Waiting { item, bytes, _charge: charge };
        if self.next.is_none() {
            self.next = Some(waiting);
        } else {
            self.later.push_back(waiting);
        }
    }

    /// However many are dropped one after the other, one error says so.
    fn drop_more(&mut self, dropped: Dropped) {
        match self.later.back_mut().map(|last| &mut last.item) {
            Some(Item::Dropped(last)) => {
                // Of all it says the least that can be said, and of whom that is true.
                let said = if dropped.executed >= last.executed { dropped } else { *last };
                *last = Dropped { count: last.count.saturating_add(1), ..said };
            }
            _ => self.add(Item::Dropped(dropped), 0, Charge::default()),
        }
    }
}

impl From<Dropped> for Error {
    fn from(dropped: Dropped) -> Self {
        let text = match dropped.count {
            1 => "there is no room here for its answer".to_owned(),
            count => format!("there is no room here for {count} answers; it gave one of them"),
        };
        let error = Self::new(ErrorKind::Overloaded, text);
        error.with_executed(dropped.executed).heard_from(dropped.instance)
    }
}

/// Who gave an answer, and whether its handler was executed.
fn origin(answer: &Result<Answer, Error>) -> Option<(InstanceId, Executed)> {
    match answer {
        Ok(answer) => Some((answer.head.source.instance, Executed::Yes)),
        Err(error) => Some((error.instance()?, error.executed())),
    }
}
