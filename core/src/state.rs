use serde::{Deserialize, Serialize};

/// How far a conduit is in its life, from [`Conduit::state`](crate::Conduit::state).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ConduitState {
    /// It sends, receives and binds.
    Running,
    /// It [drains](crate::Conduit::drain): it finishes its work, and refuses more.
    Draining,
    /// It aborts what remains, and sends what was accepted.
    Closing,
    /// Every call returns `Closed`.
    Closed,
}
