use std::{
    any::Any,
    fmt,
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

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
/// let name = |address: &Address| format!("control.{}", address.service());
/// assert_eq!(destination.remember(name), Some(&"control.shop".to_owned()));
/// # Ok::<(), conduit::NameError>(())
/// ```
pub struct Destination {
    address: Address,
    remembered: OnceLock<Box<dyn Any + Send + Sync>>,
    /// The number of the next message to it.
    next: AtomicU64,
    /// Until when requests are published to plain bindings and to the group separately, in
    /// milliseconds since the conduit was created.
    apart_until: AtomicU64,
}

impl Destination {
    /// Creates a destination with nothing cached.
    #[must_use]
    pub fn new(address: Address) -> Self {
        Self::numbered_from(address, 0)
    }

    pub(crate) fn numbered_from(address: Address, first: u64) -> Self {
        let (remembered, next) = (OnceLock::new(), AtomicU64::new(first));
        Self { address, remembered, next, apart_until: AtomicU64::new(0) }
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

    /// Takes the number of the next message.
    pub(crate) fn number(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    /// Returns whether requests are published to plain bindings and to the group separately now.
    pub(crate) fn is_apart(&self, now: u64) -> bool {
        now < self.apart_until.load(Ordering::Relaxed)
    }

    /// Notes that the group has refused a request.
    pub(crate) fn keep_apart(&self, until: u64) {
        self.apart_until.store(until, Ordering::Relaxed);
    }

    /// Returns the number that the next message will have.
    pub(crate) fn next_number(&self) -> u64 {
        self.next.load(Ordering::Relaxed)
    }
}

impl fmt::Debug for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Destination").field(&self.address).finish()
    }
}
