use std::sync::Arc;

use super::{Lifecycle, Phase, lock};
use crate::{Error, ErrorKind};

#[test]
fn no_phase_comes_back() {
    let lifecycle = Lifecycle::default();
    let failed = || Phase::Failed(Arc::new(Error::from(ErrorKind::Denied)));
    // Who found it starting, and who found it open, may both be late.
    let late = [Phase::Starting, failed(), Phase::Open, Phase::Closing];
    lifecycle.enter(failed());
    lifecycle.enter(Phase::Open);
    assert!(matches!(*lock(&lifecycle.phase), Phase::Failed(_)));
    lifecycle.enter(Phase::Closing);
    lifecycle.enter(failed());
    assert!(matches!(*lock(&lifecycle.phase), Phase::Closing));
    lifecycle.enter(Phase::Closed);
    for phase in late {
        lifecycle.enter(phase);
        assert!(matches!(*lock(&lifecycle.phase), Phase::Closed));
    }
}
