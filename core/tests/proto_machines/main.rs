//! Each machine alone, under every sequence of calls that a driver, a peer or a forger may make.

mod amplified;
mod crowd;
mod cut_off;
mod fair;
mod forged;
mod given_back;
mod late;
mod offers;
mod play;
mod rare;
mod refused_reply;
mod share;
mod started;

use proptest::{collection::vec, prelude::*};

/// Random bytes, and bytes that are mostly small, which make longer and more sensible plays.
fn moves() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![vec(any::<u8>(), 0..400), vec(0..16u8, 0..400)]
}

proptest! {
    #[test]
    fn inbound(moves in moves()) {
        play::inbound(&moves);
    }

    #[test]
    fn outbound(moves in moves()) {
        play::outbound(&moves);
    }

    #[test]
    fn registry(moves in moves()) {
        play::registry(&moves);
    }
}
