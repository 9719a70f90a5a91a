//! How much the bodies of one budget may be sent.

use crate::{
    crowd::{Crowd, FIRST, LIMITS, WINDOW},
    offers::source,
};

/// What is for bodies that have grown.
const GROWTH: u64 = (LIMITS.bytes - FIRST) / 2;

/// The windows of so many bodies of each source, whose readers take everything, in the order in which
/// the sources came.
fn rooms(counts: &[usize]) -> Vec<Vec<u64>> {
    let mut crowd = Crowd::new(LIMITS);
    let sources: Vec<_> =
        (0..).zip(counts).map(|(number, count)| (source(number, 1), *count)).collect();
    for (source, count) in &sources {
        for _ in 0..*count {
            assert!(crowd.offer(source, 1, None));
            crowd.confirm(source);
        }
        for _ in 0..20 {
            crowd.go_on(source, u64::MAX);
            crowd.check();
        }
    }
    for _ in 0..20 {
        sources.iter().for_each(|(source, _)| crowd.go_on(source, u64::MAX));
        crowd.check();
    }
    sources.iter().map(|(source, _)| crowd.rooms(source)).collect()
}

fn is_about(rooms: &[u64], share: u64) -> bool {
    // A grant that is not worth a packet is not made.
    rooms.iter().all(|room| (share / 4 * 3..=share).contains(room))
}

#[test]
fn a_few_have_their_whole_windows() {
    for count in 1..=8 {
        assert!(is_about(&rooms(&[count])[0], WINDOW), "{count}");
    }
}

/// Those that came first do not keep it from the others.
#[test]
fn many_of_one_sender_share_its_third_evenly() {
    let rooms = rooms(&[100]);
    assert!(is_about(&rooms[0], FIRST + GROWTH / 3 / 100), "{rooms:?}");
}

#[test]
fn a_sender_of_many_leaves_another_its_whole_window() {
    let rooms = rooms(&[100, 1]);
    assert!(is_about(&rooms[1], WINDOW), "{rooms:?}");
}

#[test]
fn two_senders_of_many_get_the_same() {
    let rooms = rooms(&[50, 50]);
    for rooms in rooms {
        assert!(is_about(&rooms, FIRST + GROWTH / 4 / 50), "{rooms:?}");
    }
}
