//! A queue of the answers to one request.

#[cfg(test)]
mod tests;

use std::{collections::VecDeque, sync::Arc};

use super::Answer;
use crate::{
    Error, ErrorKind, Executed, InstanceId,
    driver::waiting::{Charge, UNCHARGED, WaitingBytes},
};

/// The limits of the waiting answers to one request, in number and bytes.
#[derive(Clone, Copy)]
pub(crate) struct Room {
    pub(crate) answers: usize,
    pub(crate) bytes: u64,
}

/// The bytes of an answer, and the account that they are charged to. None for a local error.
#[derive(Clone, Copy, Default)]
pub(super) struct Weight<'a> {
    pub(super) bytes: u64,
    pub(super) budget: Option<&'a Arc<WaitingBytes>>,
}

impl Weight<'_> {
    /// Charges the bytes, if there is room.
    fn charge(&self, anyway: bool) -> Option<Charge> {
        match self.budget {
            Some(budget) => Charge::new(budget, self.bytes, anyway),
            None => Some(Charge::default()),
        }
    }
}

#[derive(Default)]
pub(super) struct Answers {
    /// The next answer, apart from those behind it: usually there is at most one.
    next: Option<WaitingAnswer>,
    later: VecDeque<WaitingAnswer>,
    bytes: u64,
}

struct WaitingAnswer {
    item: Item,
    bytes: u64,
    /// The charge, until the answer is taken.
    _charge: Charge,
}

enum Item {
    Answer(Result<Answer, Error>),
    /// Some answers were dropped, without room to name each.
    Dropped(Dropped),
}

/// What is known about dropped answers.
#[derive(Clone, Copy)]
struct Dropped {
    count: usize,
    /// The instance that sent the last of those with this `executed`.
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

    /// Adds the only answer, which is accepted whatever its size.
    pub(super) fn add_only(&mut self, answer: Result<Answer, Error>, weight: Weight<'_>) {
        let is_charged = weight.bytes > UNCHARGED;
        let charge = is_charged.then(|| weight.charge(true)).flatten().unwrap_or_default();
        self.add(Item::Answer(answer), weight.bytes, charge);
    }

    /// Adds one of several answers. If there is no room for it, an error that names its instance
    /// takes its place, and the answer is returned, to be dropped.
    pub(super) fn add_one(
        &mut self,
        room: Room,
        answer: Result<Answer, Error>,
        weight: Weight<'_>,
    ) -> Option<Result<Answer, Error>> {
        let Some((instance, executed)) = origin(&answer) else {
            // An error that concerns the whole request; nothing comes after it.
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

    /// Takes the next answer, and returns how many it stands for.
    pub(super) fn take(&mut self) -> Option<(Result<Answer, Error>, usize)> {
        let WaitingAnswer { item, bytes, .. } = self.next.take()?;
        self.next = self.later.pop_front();
        self.bytes -= bytes;
        Some(match item {
            Item::Answer(answer) => (answer, 1),
            Item::Dropped(dropped) => (Err(dropped.into()), dropped.count),
        })
    }

    fn add(&mut self, item: Item, bytes: u64, charge: Charge) {
        self.bytes += bytes;
        let waiting = WaitingAnswer { item, bytes, _charge: charge };
        if self.next.is_none() {
            self.next = Some(waiting);
        } else {
            self.later.push_back(waiting);
        }
    }

    /// Counts dropped answers; consecutive ones become one error.
    fn drop_more(&mut self, dropped: Dropped) {
        match self.later.back_mut().map(|last| &mut last.item) {
            Some(Item::Dropped(last)) => {
                // Keeps the strongest `executed` of all, with an instance that it is true of.
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

/// Returns the instance that sent an answer, and whether its handler was executed.
fn origin(answer: &Result<Answer, Error>) -> Option<(InstanceId, Executed)> {
    match answer {
        Ok(answer) => Some((answer.head.source.instance, Executed::Yes)),
        Err(error) => Some((error.instance()?, error.executed())),
    }
}
