use crate::BindingInfo;

/// Counts of the messages that a conduit held when it was [drained](crate::Conduit::drain), or
/// received afterwards, by outcome.
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
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Drained {
    /// Messages that were handled to completion.
    pub finished: usize,
    /// Messages handed on to other instances before a handler had started: published to their group
    /// again, or refused, so that their senders offer them to another member. The transport has
    /// accepted the packets that do so.
    pub handed_on: usize,
    /// Messages whose handlers were aborted at the limit, that still waited in a binding of
    /// [`bind`](crate::Conduit::bind), or that could not be handed on in time.
    pub aborted: usize,
    /// The bindings that there were when the drain began, each with its final counts.
    pub bindings: Vec<BindingInfo>,
}
