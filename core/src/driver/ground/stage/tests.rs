use super::{Lifecycle, Stage};

#[test]
fn no_stage_comes_back() {
    let lifecycle = Lifecycle::default();
    let stages = [Stage::Draining, Stage::Closing, Stage::Closed];
    for (at, stage) in stages.into_iter().enumerate() {
        lifecycle.enter(stage);
        for earlier in &stages[..at] {
            lifecycle.enter(*earlier);
            assert_eq!(lifecycle.stage(), stage);
        }
    }
}
