use std::time::{Duration, Instant};

use proptest::{collection::vec, prelude::*};

use super::*;

const LIMIT: usize = 12;
const BYTES_LIMIT: u64 = 100;

fn sender(number: u8) -> InstanceId {
    InstanceId::from_bytes([number; InstanceId::LEN])
}

#[derive(Debug, Clone)]
enum Operation {
    Push { sender: u8, bytes: u64, is_request: bool, offered: bool },
    Confirm(usize),
    Remove(usize),
    Pop,
    TakeRequests { age: u64 },
}

fn step() -> impl Strategy<Value = Operation> {
    let push = (0..3_u8, 0..40_u64, any::<bool>(), prop::bool::weighted(0.3)).prop_map(
        |(sender, bytes, is_request, offered)| Operation::Push {
            sender,
            bytes,
            is_request,
            offered,
        },
    );
    prop_oneof![
        4 => push,
        2 => (0..40_usize).prop_map(Operation::Confirm),
        1 => (0..40_usize).prop_map(Operation::Remove),
        3 => Just(Operation::Pop),
        1 => (0..10_u64).prop_map(|age| Operation::TakeRequests { age }),
    ]
}

/// One message of the model, which looks through all of them each time.
#[derive(Debug, Clone, Copy, PartialEq)]
struct ModelEntry {
    id: usize,
    label: Label,
    is_open: bool,
}

impl ModelEntry {
    fn is_whole_request(&self) -> bool {
        self.label.request.is_some() && !self.label.offered
    }
}

#[derive(Default)]
struct Model(Vec<ModelEntry>);

impl Model {
    fn bytes(&self) -> u64 {
        self.0.iter().map(|waiting| waiting.label.bytes).sum()
    }

    fn has_room(&self, bytes: u64) -> bool {
        let fits = self.0.is_empty() || self.bytes() + bytes <= BYTES_LIMIT;
        self.0.len() < LIMIT && fits
    }

    /// The first that no earlier message of its sender, nor its own sender, holds up.
    fn pop(&mut self) -> Option<usize> {
        let is_next = |at: &usize| {
            let sender = self.0[*at].label.sender;
            let mut before = self.0[..=*at].iter();
            !before.any(|waiting| waiting.label.sender == sender && waiting.is_open)
        };
        let at = (0..self.0.len()).find(is_next)?;
        Some(self.0.remove(at).id)
    }

    fn open(&mut self, id: usize) -> Option<usize> {
        self.0.iter().position(|waiting| waiting.id == id && waiting.is_open)
    }

    fn oldest(&self, wanted: impl Fn(&ModelEntry) -> bool) -> Option<Instant> {
        self.0.iter().filter(|waiting| wanted(waiting)).filter_map(|w| w.label.request).min()
    }
}

proptest! {
    #[test]
    fn it_behaves_like_a_list_that_is_searched(steps in vec(step(), 0..200)) {
        let (mut queue, mut model) = (Queue::new(LIMIT, BYTES_LIMIT), Model::default());
        let mut now = Instant::now();
        let mut places = Vec::new();
        for (id, step) in steps.into_iter().enumerate() {
            now += Duration::from_secs(1);
            match step {
                Operation::Push { sender: from, bytes, is_request, offered } => {
                    let request = is_request.then_some(now);
                    let label = Label { sender: sender(from), bytes, request, offered };
                    let fits = model.has_room(bytes);
                    prop_assert_eq!(queue.has_room(bytes), fits);
                    let pushed = queue.push(label, id);
                    prop_assert_eq!(pushed.is_ok(), fits);
                    if let Ok(place) = pushed {
                        model.0.push(ModelEntry { id, label, is_open: offered });
                        places.push((id, place));
                    }
                }
                Operation::Confirm(at) => {
                    // Also one that is confirmed already, was never offered, or is gone.
                    let Some(&(id, place)) = places.get(at) else { continue };
                    queue.confirm(place);
                    if let Some(at) = model.open(id) {
                        model.0[at].is_open = false;
                    }
                }
                Operation::Remove(at) => {
                    let Some(&(id, place)) = places.get(at) else { continue };
                    let Some(at) = model.open(id) else { continue };
                    model.0.remove(at);
                    prop_assert_eq!(queue.remove(place), Some(id));
                    prop_assert_eq!(queue.remove(place), None);
                }
                Operation::Pop => prop_assert_eq!(queue.pop(), model.pop()),
                Operation::TakeRequests { age } => {
                    let by = now - Duration::from_secs(age);
                    let is_old = |waiting: &ModelEntry| {
                        waiting.is_whole_request() && waiting.label.request <= Some(by)
                    };
                    let old = model.0.iter().filter(|waiting| is_old(waiting));
                    let old: Vec<_> = old.map(|waiting| waiting.id).collect();
                    model.0.retain(|waiting| !is_old(waiting));
                    let mut taken = queue.take_requests(by);
                    taken.sort_unstable();
                    prop_assert_eq!(taken, old);
                }
            }
            prop_assert_eq!((queue.len(), queue.bytes()), (model.0.len(), model.bytes()));
            prop_assert_eq!(queue.oldest_request(), model.oldest(|_| true));
            prop_assert_eq!(queue.oldest_whole_request(), model.oldest(ModelEntry::is_whole_request));
        }
        let all: Vec<_> = model.0.iter().map(|waiting| waiting.id).collect();
        prop_assert_eq!(queue.drain(), all);
        prop_assert_eq!((queue.len(), queue.bytes(), queue.pop()), (0, 0, None));
        prop_assert_eq!(queue.oldest_request(), None);
    }
}

fn label(from: u8, offered: bool) -> Label {
    Label { sender: sender(from), bytes: 1, request: None, offered }
}

/// Where each call went through all that wait, this would take ten thousand million steps.
#[test]
fn what_is_next_does_not_depend_on_how_many_wait() {
    const COUNT: usize = 100_000;
    let mut queue = Queue::new(usize::MAX, u64::MAX);
    let offer = queue.push(label(1, true), 0).expect("there is room");
    for id in 1..COUNT {
        queue.push(label(1, false), id).expect("there is room");
        queue.push(label(2, true), COUNT + id).expect("there is room");
        queue.push(label(3, false), 2 * COUNT + id).expect("there is room");
    }
    for id in 1..COUNT {
        assert_eq!(queue.pop(), Some(2 * COUNT + id), "of the one that nothing holds up");
    }
    assert_eq!(queue.pop(), None);
    queue.confirm(offer);
    for id in 0..COUNT {
        assert_eq!(queue.pop(), Some(id));
    }
    assert_eq!(queue.pop(), None);
    assert_eq!(queue.len(), COUNT - 1);
}
