/// What became of the messages that a conduit had when it was [drained](crate::Conduit::drain), or
/// that still came.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Drained {
    /// They were handled to their end.
    pub finished: usize,
    /// They were given to other instances before a handler had started: back to their group, or
    /// refused, so that their senders ask another one. The transport has taken that.
    pub handed_on: usize,
    /// Their handlers were cut off at the limit, they were waiting in a binding of
    /// [`bind`](crate::Conduit::bind) that nobody read by then, or they could not be handed on in
    /// time.
    pub aborted: usize,
}
