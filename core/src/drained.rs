/// What became of the messages that a conduit had when it was [drained](crate::Conduit::drain), or
/// that still came.
///
/// ```
/// use std::time::Duration;
///
/// use conduit::Conduit;
/// use conduit_json::Json;
/// use conduit_memory::Memory;
/// use conduit_smol::Smol;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # smol::block_on(async {
/// let conduit = Conduit::new("worker", Smol, Memory::new(), Json)?;
/// conduit.queue_bind("job").await?.to(|message| async move { drop(message) });
/// conduit.own_service().send("job", &1).await?;
///
/// let drained = conduit.drain(Duration::from_secs(30)).await;
/// assert_eq!((drained.handed_on, drained.aborted), (0, 0));
/// # Ok(())
/// # })
/// # }
/// ```
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
