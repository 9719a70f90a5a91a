use std::sync::atomic::AtomicUsize;

use futures_lite::future::{block_on, poll_once};

use super::*;

/// Counts how often it was woken.
#[derive(Default)]
struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// A watch, and a reader of it.
#[derive(Default)]
struct World {
    watch: Arc<Watch>,
    woken: Arc<Woken>,
}

impl World {
    fn waker(&self) -> Waker {
        Waker::from(Arc::clone(&self.woken))
    }

    fn reads_to_end(&self) {
        self.watch.begin_read();
        self.watch.read_to_end(&self.waker());
    }

    fn reads_one_of_several(&self) {
        self.watch.begin_read();
        self.watch.unread();
    }

    fn packet_comes(&self) {
        self.watch.wake_by_ref();
    }

    fn woken(&self) -> usize {
        self.woken.0.load(Ordering::Relaxed)
    }

    /// What the task has to do, if it has to do something.
    fn duty(&self) -> Option<Duty> {
        block_on(poll_once(self.watch.duty()))
    }
}

#[test]
fn a_reader_that_waits_is_woken_once_and_guarded_until_it_waits_again() {
    let world = World::default();
    world.reads_to_end();
    assert!(world.duty().is_none());
    world.packet_comes();
    assert_eq!(world.woken(), 1);
    assert!(matches!(world.duty(), Some(Duty::Guard)));
    assert!(matches!(world.watch.look(), ReaderProgress::Busy), "it was at the end a moment ago");
    world.reads_to_end();
    assert!(matches!(world.watch.look(), ReaderProgress::Waiting));
    assert!(world.duty().is_none());
    assert_eq!(world.woken(), 1);
}

/// That wake may be of a packet that came when the reader had polled, or of a client that only wants
/// others to run.
#[test]
fn a_wake_amid_a_poll_is_not_lost() {
    let world = World::default();
    world.watch.begin_read();
    world.packet_comes();
    assert_eq!(world.woken(), 0);
    world.watch.read_to_end(&world.waker());
    assert_eq!(world.woken(), 1);
    // It does not wait, and comes back.
    world.reads_to_end();
    assert_eq!(world.woken(), 1);
    assert!(matches!(world.watch.look(), ReaderProgress::Waiting));
}

#[test]
fn a_reader_that_leaves_something_unread_has_two_looks_to_come_back() {
    let world = World::default();
    world.reads_one_of_several();
    assert!(matches!(world.duty(), Some(Duty::Guard)));
    assert!(matches!(world.watch.look(), ReaderProgress::Busy));
    // However much it reads meanwhile: it was not at the end.
    world.reads_one_of_several();
    world.reads_one_of_several();
    assert!(matches!(world.watch.look(), ReaderProgress::Behind));
    assert!(world.duty().is_none(), "the task that looked knows what it has to do");
    // What it reads from now on is looked after again.
    world.reads_one_of_several();
    assert!(matches!(world.duty(), Some(Duty::Guard)));
}

#[test]
fn the_task_hands_on_what_comes_while_no_reader_waits() {
    let world = World::default();
    world.packet_comes();
    assert!(matches!(world.duty(), Some(Duty::Drain)));
    world.reads_to_end();
    world.watch.drained_by_task();
    world.packet_comes();
    assert_eq!(world.woken(), 0);
    assert!(matches!(world.duty(), Some(Duty::Drain)));
}

#[test]
fn the_reader_that_waits_last_is_the_one_that_is_woken() {
    let world = World::default();
    let before = Arc::<Woken>::default();
    world.watch.begin_read();
    world.watch.read_to_end(&Waker::from(Arc::clone(&before)));
    world.reads_to_end();
    world.packet_comes();
    assert_eq!((before.0.load(Ordering::Relaxed), world.woken()), (0, 1));
}
