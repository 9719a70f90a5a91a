use std::{any::Any, fmt, sync::OnceLock};

use super::Address;

/// An [`Address`] that packets are published to repeatedly, with what the transport caches for it.
///
/// A transport that has to look up or build something for each address does so once, and
/// [caches](Self::remember) it here. A destination belongs to one transport: Conduit passes it to
/// no other, and a transport that forwards packets to others has separate destinations for each.
///
/// ```
/// use conduit::transport::{Address, Destination};
///
/// let destination = Destination::new(Address::Control { service: "shop".parse()? });
/// let name = |address: &Address| match address.service() {
///     Some(service) => format!("control.{service}"),
///     None => "directory".to_owned(),
/// };
/// assert_eq!(destination.remember(name), Some(&"control.shop".to_owned()));
/// # Ok::<(), conduit::NameError>(())
/// ```
pub struct Destination {
    address: Address,
    remembered: OnceLock<Box<dyn Any + Send + Sync>>,
}

impl Destination {
    /// Creates a destination with nothing cached.
    #[must_use]
    pub fn new(address: Address) -> Self {
        Self { address, remembered: OnceLock::new() }
    }

    /// Returns the address.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Returns the cached value, which the first call creates with `make`. `None` if a value of
    /// another type is cached. `make` must not call this for the same destination.
    pub fn remember<T: Any + Send + Sync>(&self, make: impl FnOnce(&Address) -> T) -> Option<&T> {
        self.remembered.get_or_init(|| Box::new(make(&self.address))).downcast_ref()
    }
}

impl fmt::Debug for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Destination").field(&self.address).finish()
    }
}
