use libtest_mimic::{Failed, Trial};

use crate::Outcome;

/// Returns a test for a program that lists its tests as data, since it can only know as it runs whether
/// there is what they need.
pub fn trial(name: &str, test: impl FnOnce() -> Outcome + Send + 'static) -> Trial {
    Trial::test(name, move || test().map_err(|error| Failed::from(format!("{error:?}"))))
}
