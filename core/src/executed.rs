/// Whether the remote handler was executed, as far as this side knows. Ordered by how much may have
/// happened.
///
/// ```
/// use conduit::{Conduit, Executed};
/// use conduit_json::Json;
/// use conduit_memory::Memory;
/// use conduit_smol::Smol;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # smol::block_on(async {
/// let conduit = Conduit::new("shop", Smol, Memory::new(), Json)?;
/// conduit.queue_bind("order").await?.serve(async |_: u32| Err::<(), _>("sold out"));
///
/// let order = conduit.own_service().request("order", &1).await;
/// let may_try_again = match order.expect_err("it is sold out").executed() {
///     Executed::No => true,
///     Executed::Maybe | Executed::Yes => false,
/// };
/// assert!(!may_try_again);
/// # Ok(())
/// # })
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Executed {
    /// It was not executed, and will not be: a retry is safe.
    No,
    /// It may have been executed.
    Maybe,
    /// It was executed, at least in part.
    Yes,
}
