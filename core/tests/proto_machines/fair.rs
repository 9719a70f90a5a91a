//! One source does not take what others need.

use std::time::Duration;

use conduit::{
    Source,
    proto::{BudgetLimits, frame::Frame},
};
use proptest::{collection::vec, prelude::*};

use crate::{
    crowd::{Crowd, FIRST, LIMITS},
    forged::SECOND,
    offers::source,
};

/// More than anything has room for.
const FLOOD: usize = 600;
/// Of the bytes for first windows, a third, and the one beyond.
const THIRD: usize = 129;

fn small() -> BudgetLimits {
    BudgetLimits {
        bytes: 4_000,
        first: 50,
        bodies: 60,
        bodies_per_binding: 40,
        places: 32,
        packets: 4_000,
    }
}

#[test]
fn an_instance_gets_a_third_and_a_service_half() {
    let many = BudgetLimits {
        bytes: 1 << 40,
        bodies: 3000,
        bodies_per_binding: 3000,
        places: 9000,
        packets: 1 << 30,
        ..LIMITS
    };
    let share = |instances: u8, services: u32| {
        let mut crowd = Crowd::new(many);
        for _ in 0..FLOOD {
            for service in 0..services {
                for instance in 0..instances {
                    let source = source(service, instance);
                    for _ in 0..3 {
                        crowd.offer(&source, 1, None);
                    }
                    crowd.confirm(&source);
                }
            }
        }
        crowd.check();
        let held = |service| (0..instances).map(|one| crowd.held(&source(service, one))).sum();
        (0..services).map(held).collect::<Vec<usize>>()
    };
    assert_eq!(share(1, 1), [1001]);
    for (instances, services, expected) in
        [(20, 1, 1463..1502), (1, 3, 597..605), (8, 2, 930..1010)]
    {
        let held = share(instances, services);
        assert!(held.iter().all(|held| expected.contains(held)), "{held:?}");
    }
}

/// All its earlier ones have grown as far as they may, and are not read.
#[test]
fn a_source_whose_bodies_have_grown_can_open_more() {
    let (mut crowd, one) = (Crowd::new(LIMITS), source(1, 1));
    for number in 0..THIRD {
        assert!(crowd.offer(&one, 1, None), "{number}");
        crowd.confirm(&one);
        crowd.newest_goes_on(1);
        crowd.check();
    }
    assert!(crowd.rooms(&one)[0] > 10 * FIRST);
    assert!(!crowd.offer(&one, 1, None));
    assert!(crowd.offer(&source(2, 1), 1, None));
}

#[test]
fn a_source_that_confirms_nothing_leaves_room_for_others() {
    for port in [1, 2] {
        let (mut crowd, hostile, honest) = (Crowd::new(LIMITS), source(1, 1), source(2, 2));
        assert_eq!(crowd.offer_all(&hostile, 1, FLOOD), 128);
        assert_eq!(crowd.offer_all(&honest, port, 50), 50, "all at once");
        crowd.check();
        crowd.confirm(&honest);
        crowd.later(SECOND);
        assert!(crowd.offer_all(&hostile, 1, FLOOD) <= 128);
        assert_eq!(crowd.held(&honest), 50, "what is confirmed stays");
    }
}

#[test]
fn a_source_that_confirms_all_leaves_room_for_others() {
    let (mut crowd, hostile) = (Crowd::new(LIMITS), source(1, 1));
    let mut taken = 0;
    for _ in 0..FLOOD {
        taken += crowd.offer_all(&hostile, 1, 1);
        crowd.confirm(&hostile);
    }
    assert_eq!(taken, THIRD);
    // Of the same service, and of another.
    for honest in [source(1, 2), source(2, 2)] {
        assert_eq!(crowd.offer_all(&honest, 1, 20), 20);
        crowd.confirm(&honest);
    }
    crowd.check();
}

#[test]
fn the_oldest_of_many_names_gives_way_once_it_could_have_confirmed() {
    let mut crowd = Crowd::new(LIMITS);
    let honest = source(u32::MAX, 1);
    let names = |crowd: &mut Crowd, from: u32| {
        (from..from + 4000).filter(|name| crowd.offer(&source(*name, 1), 1, None)).count()
    };
    assert_eq!(names(&mut crowd, 0), 128);
    assert!(!crowd.offer(&honest, 1, None), "those before it may be as honest");
    crowd.later(Duration::from_millis(100));
    assert_eq!(crowd.offer_all(&honest, 1, 20), 20);
    assert_eq!(names(&mut crowd, 4000), 108);
    assert_eq!(crowd.held(&honest), 20, "those came later");
    crowd.confirm(&honest);
    crowd.later(SECOND);
    assert_eq!(names(&mut crowd, 8000), 128);
    assert_eq!(crowd.held(&honest), 20);
    crowd.check();
    for body in &mut crowd.gave_way {
        let said = body.inbound.poll_transmit(crowd.now).map(|packet| Frame::decode(&packet));
        assert!(matches!(said, Some(Ok(Frame::Stop { .. }))), "it is told: {said:?}");
    }
}

/// Whatever a source has done, with all that it was granted, unread.
fn hostile() -> impl Strategy<Value = Vec<(u8, u64, u64)>> {
    vec((0..8u8, 1..3u64, 0..100u64), 0..300)
}

fn play(crowd: &mut Crowd, source: &Source, moves: &[(u8, u64, u64)]) {
    for &(kind, port, number) in moves {
        match kind {
            0..=3 => drop(crowd.offer(source, port, None)),
            4 => drop(crowd.offer(source, port, Some(number))),
            5 => crowd.confirm(source),
            6 => crowd.go_on(source, number),
            _ if crowd.bodies.is_empty() => {}
            _ => crowd.close(usize::try_from(number).expect("it is small") % crowd.bodies.len()),
        }
        crowd.check();
    }
}

proptest! {
    #[test]
    fn one_source_never_keeps_anothers_offers_out(moves in hostile(), same in any::<bool>()) {
        let mut crowd = Crowd::new(small());
        play(&mut crowd, &source(1, 1), &moves);
        let honest = source(if same { 1 } else { 2 }, 2);
        for port in [1, 2, 1, 2] {
            prop_assert!(crowd.offer(&honest, port, None));
            crowd.confirm(&honest);
            crowd.check();
        }
    }

    #[test]
    fn no_limit_is_exceeded_and_all_is_given_back(
        moves in vec((0..6u32, 0..3u8, hostile()), 0..8)
    ) {
        let mut crowd = Crowd::new(small());
        for (service, instance, moves) in &moves {
            play(&mut crowd, &source(*service, *instance), moves);
            crowd.later(SECOND / 20);
        }
        while !crowd.bodies.is_empty() {
            crowd.close(0);
            crowd.check();
        }
        prop_assert!(crowd.budget.is_empty(), "no source is remembered");
    }
}
