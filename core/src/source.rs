use crate::{InstanceId, ServiceName, address::Address};

/// The sender of a message.
///
/// ```
/// use conduit::Conduit;
/// use conduit_json::Json;
/// use conduit_memory::Memory;
/// use conduit_smol::Smol;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # smol::block_on(async {
/// let conduit = Conduit::new("shop", Smol, Memory::new(), Json)?;
/// let mut orders = conduit.bind("order").await?;
/// conduit.own_service().send("order", "tea").await?;
///
/// let order = orders.next().await.expect("it is bound");
/// assert_eq!(order.source().service.as_str(), "shop");
/// assert_eq!(order.source().instance, conduit.instance());
/// # Ok(())
/// # })
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Source {
    /// The service.
    pub service: ServiceName,
    /// The instance of the service.
    pub instance: InstanceId,
}

impl Source {
    /// The address of its inbox.
    pub(crate) fn inbox(&self) -> Address {
        Address::inbox(&self.service, self.instance)
    }
}
