//! A reader's pace limits its sender, and no more is held than the limits say.

use std::time::Duration;

use conduit::proto::ReasonCode;

use crate::{
    MINUTE, cuts, pair,
    pair::{Bind, Reader, Setup},
    results,
};

const SECOND: Duration = Duration::from_secs(1);

fn one(size: usize, reader: Reader) -> Setup {
    Setup::new(size, vec![vec![Bind::PLAIN.reading(reader)]])
}

#[test]
fn a_reader_that_takes_nothing_stops_its_sender_and_loses_nothing() {
    for setup in cuts(&one(4 << 20, Reader::Never)) {
        let mut pair = pair(setup);
        pair.run_for(10 * MINUTE);
        let initial = 64 * 1024;
        assert!(pair.stations[0].budget.used() <= initial);
        assert!(pair.sender.most_held <= Setup::WINDOW);
        assert!(pair.sender.given as u64 <= initial + Setup::WINDOW);
        assert_eq!(pair.outcome(), None, "it is not cut off");
        pair.stations[0].ports[0].read_on();
        pair.run(20 * MINUTE);
        assert_eq!(results(&pair), [Ok(())]);
    }
}

#[test]
fn a_reader_of_a_byte_a_second_is_not_cut_off() {
    for setup in cuts(&one(3600, Reader::Paced(SECOND))) {
        let mut pair = pair(setup);
        pair.run(61 * MINUTE);
        assert!(pair.elapsed() > 59 * MINUTE);
        assert_eq!(results(&pair), [Ok(())]);
    }
}

#[test]
fn a_slow_reader_of_a_long_body_is_not_cut_off() {
    let mut pair = pair(one(300_000, Reader::Paced(10 * SECOND / 1000)));
    pair.run(52 * MINUTE);
    assert_eq!(results(&pair), [Ok(())]);
}

#[test]
fn who_holds_up_the_others_is_lagged_and_the_others_complete() {
    let slow = Bind::PLAIN.reading(Reader::Never);
    let instances = vec![vec![Bind::PLAIN], vec![slow], vec![Bind::PLAIN]];
    for setup in cuts(&Setup::new(4 << 20, instances)) {
        let mut pair = pair(setup);
        pair.run(2 * MINUTE);
        let lagged = ReasonCode::Lagged.into();
        assert_eq!(results(&pair), [Ok(()), Err(lagged), Ok(())]);
        assert!(pair.elapsed() >= 10 * SECOND);
        assert!(pair.elapsed() < 12 * SECOND);
        assert_eq!(pair.stations[1].budget.used(), 0);
    }
}

#[test]
fn who_was_cut_off_gets_nothing_more_and_the_others_complete() {
    for setup in cuts(&Setup::new(8 << 20, vec![vec![Bind::PLAIN]; 3])) {
        let mut pair = pair(setup);
        while pair.fanned_out == 0 {
            pair.run_for(SECOND / 1000);
        }
        pair.stations[1].is_dead = true;
        pair.run_for(9 * SECOND);
        let before = pair.fanned_out;
        assert_eq!(pair.outcome(), None, "the others are held up");
        pair.run(MINUTE);
        assert_eq!(results(&pair), [Ok(()), Err(ReasonCode::Lost.into()), Ok(())]);
        assert_eq!(pair.fanned_out, before);
    }
}

#[test]
fn who_is_slow_after_the_others_have_everything_is_not_lagged() {
    let slow = Bind::PLAIN.reading(Reader::Paced(SECOND / 1000));
    let setup = Setup::new(120_000, vec![vec![Bind::PLAIN], vec![slow]]);
    let mut pair = pair(setup);
    pair.run(3 * MINUTE);
    assert_eq!(results(&pair), [Ok(()), Ok(())]);
}

#[test]
fn who_is_slow_and_alone_after_all_is_not_lagged() {
    let slow = Bind::PLAIN.reading(Reader::Never);
    let setup =
        Setup::new(4 << 20, vec![vec![Bind::PLAIN.reading(Reader::Drops(1 << 20))], vec![slow]]);
    let mut pair = pair(setup);
    pair.run_for(MINUTE);
    assert_eq!(pair.outcome(), None);
    pair.stations[1].ports[0].read_on();
    pair.run(3 * MINUTE);
    assert_eq!(results(&pair), [Err(ReasonCode::Dropped.into()), Ok(())]);
}

#[test]
fn many_bodies_of_one_instance_stay_within_its_budget() {
    // The harness checks the budget after every step.
    let mut readers = vec![Bind::PLAIN; 90];
    readers.extend([Bind::PLAIN.reading(Reader::Never); 10]);
    let mut setup = Setup::new(150_000, vec![readers]);
    // A third of it is for one sender, beside what is for bodies that have grown.
    setup.budget = 40 << 20;
    setup.outbound.lag = MINUTE;
    let mut pair = pair(setup);
    pair.run_for(10 * SECOND);
    for port in &mut pair.stations[0].ports {
        port.read_on();
    }
    pair.run(2 * MINUTE);
    assert_eq!(results(&pair), vec![Ok(()); 100]);
}

#[test]
fn where_the_budget_has_no_room_the_offer_is_refused() {
    let mut setup = Setup::new(600_000, vec![vec![Bind::PLAIN; 3]]);
    // Two are what one sender gets.
    setup.budget = 9 * 64 * 1024;
    let mut pair = pair(setup);
    pair.run(MINUTE);
    let refused = results(&pair).into_iter().filter(Result::is_err);
    assert_eq!(refused.count(), 1);
}

#[test]
fn a_pause_of_the_source_holds_nothing_back() {
    let mut pair = pair(Setup { pieces: vec![100], ..one(100, Reader::Eager) });
    pair.run_for(SECOND / 10);
    assert_eq!(pair.port(0, 0).received, 100);
}
