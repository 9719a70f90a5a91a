/// The commands of a server: those of a cluster are others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Dialect {
    pub(crate) publish: &'static str,
    pub(crate) subscribe: &'static str,
    pub(crate) unsubscribe: &'static str,
    /// How the server calls what was published.
    pub(crate) message: &'static str,
}

impl Dialect {
    /// Of one server, or one with replicas.
    pub(crate) const ALONE: Self = Self {
        publish: "PUBLISH",
        subscribe: "SUBSCRIBE",
        unsubscribe: "UNSUBSCRIBE",
        message: "message",
    };

    /// Of a cluster: each channel lies in one slot.
    pub(crate) const SHARDED: Self = Self {
        publish: "SPUBLISH",
        subscribe: "SSUBSCRIBE",
        unsubscribe: "SUNSUBSCRIBE",
        message: "smessage",
    };
}
