//! Bugs on purpose, for the test that shows that the simulation would find them.
//!
//! They exist only where the compiler is told `--cfg conduit_planted`; then `CONDUIT_PLANTED` in the
//! environment names the one that is there. In every other build `planted!` is `false`, and
//! nothing of them is left.

macro_rules! bugs {
    ($($(#[$doc:meta])* $Name:ident,)*) => {
        /// A bug.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Bug {
            $($(#[$doc])* $Name,)*
        }

        /// The names of all bugs.
        #[cfg(conduit_planted)]
        pub const BUGS: &[&str] = &[$(stringify!($Name)),*];

        #[cfg(conduit_planted)]
        const ALL: &[Bug] = &[$(Bug::$Name),*];
    };
}

bugs! {
    /// A body is whole whatever its checksum.
    SkipChecksum,
    /// A receiver acknowledges what it was granted instead of what it has.
    AckTooMuch,
    /// What a receiver lacks is not sent again.
    ForgetRetransmit,
    /// What some receiver has is let go, though another lacks it.
    ReleaseUnacked,
    /// A receiver grants nothing beyond its first credit.
    LoseCredit,
    /// A receiver grants more than its conduit can hold.
    IgnoreBudget,
    /// A body that was reset or stopped stays charged to the budget.
    LeakBudget,
    /// A lost end is not said again.
    ForgetEnd,
    /// A receiver that has every byte counts as done, before it has verified them.
    CountUnverified,
    /// A source that fails looks like one that ends.
    EndFailedSource,
    /// A dead receiver is waited for.
    WaitForTheDead,
    /// A receiver that holds up the others is waited for.
    IgnoreLag,
    /// Nothing is remembered of a body that was received.
    ForgetTombstone,
    /// A handler starts before the sender has confirmed.
    StartUnconfirmed,
    /// A second member of the group is confirmed.
    ConfirmTwoMembers,
    /// Every queue binding of an instance gets what one of them should.
    DeliverToAllMembers,
    /// A message overtakes those that wait for a binding.
    Overtake,
    /// A reply goes to an instance that did not ask.
    ReplyToSibling,
    /// An answer is given to whichever request waits first.
    AnswerAnother,
    /// A receiver that dropped a body is said not to have been executed.
    DenyExecution,
    /// Nobody is told that a source has failed, only that something has.
    LoseReason,
    /// A request is handled though it was cancelled before it came.
    ForgetCancellation,
    /// A reader is not woken when there is something to read.
    LoseWakeup,
    /// A reader that comes back now and then is not looked after.
    LeaveUnread,
    /// Any number of bytes may wait.
    WaitUnbounded,
    /// What one sender does not confirm holds up all that came after it.
    HoldUpOthers,
    /// An offer is taken whatever its source holds already.
    TakeItAll,
    /// A group that refuses speaks for the plain bindings beside it.
    SpeakForOthers,
    /// What a member gives back before its handler has started is not offered to another.
    LoseGivenBack,
}

/// Whether a bug is planted, by its name.
macro_rules! planted {
    ($Name:ident) => {
        $crate::plant::is_planted($crate::plant::Bug::$Name)
    };
}

#[cfg(not(conduit_planted))]
pub(crate) const fn is_planted(_: Bug) -> bool {
    false
}

#[cfg(conduit_planted)]
pub(crate) fn is_planted(bug: Bug) -> bool {
    use std::{env, sync::LazyLock};

    static PLANTED: LazyLock<Option<Bug>> = LazyLock::new(|| {
        let name = env::var("CONDUIT_PLANTED").ok()?;
        let found = BUGS.iter().position(|known| *known == name);
        Some(ALL[found.unwrap_or_else(|| panic!("there is no bug {name}"))])
    });
    *PLANTED == Some(bug)
}
