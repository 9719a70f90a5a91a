//! The suite catches transports that break their contract.
//!
//! Each file is one fault, put between the checks and the in-memory broker, and the checks that
//! have to find it.

mod dead_member;
mod early_flush;
mod faulty;
mod ignored_leave;
mod keeping;
mod kept_messages;
mod lossy;
mod no_notices;
mod one_namespace;
mod open_inboxes;
mod published_after_all;
mod remembering;
mod reordering;
mod repeating;
mod sound;
mod two_members;

/// Runs checks against a fault: each has to find that a guarantee does not hold.
macro_rules! caught {
    ($Fault:ty: $($check:ident => $rule:ident,)+) => {
        $(
            #[test]
            fn $check() {
                use conduit_conformance::{Guarantee, run};
                let check = conduit_conformance::$check::<crate::faulty::FaultyBroker<$Fault>>;
                let found = smol::block_on(run(conduit_smol::Smol, check));
                let rule = found.as_ref().map_err(|violation| violation.guarantee());
                assert_eq!(rule, Err(Guarantee::$rule), "{found:?}");
            }
        )+
    };
}
pub(crate) use caught;
