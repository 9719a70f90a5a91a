use std::{
    any::Any,
    fmt,
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

use super::Address;

/// An [`Address`] that packets are published to again and again, and what the transport remembers
/// of it.
///
/// A transport that has to look up or to put together something for each address does it once, and
/// [remembers](Self::remember) it here. A destination is for one transport: Conduit gives it to no
/// other, and a transport that passes packets on to others has destinations of its own for each.
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
    /// Until when requests go to plain bindings and to the group apart, in milliseconds of the
    /// conduit's life.
    apart_until: AtomicU64,
}

impl Destination {
    /// One of which nothing is remembered.
    #[must_use]
    pub fn new(address: Address) -> Self {
        Self::numbered_from(address, 0)
    }

    pub(crate) fn numbered_from(address: Address, first: u64) -> Self {
        let (remembered, next) = (OnceLock::new(), AtomicU64::new(first));
        Self { address, remembered, next, apart_until: AtomicU64::new(0) }
    }

    /// The address.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// What the transport remembers of it, which is what `make` says the first time. `None` where
    /// something of another type was remembered before. `make` must not ask the same of this again.
    pub fn remember<T: Any + Send + Sync>(&self, make: impl FnOnce(&Address) -> T) -> Option<&T> {
        self.remembered.get_or_init(|| Box::new(make(&self.address))).downcast_ref()
    }

    /// The number of the next message, which is used up.
    pub(crate) fn number(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    /// Whether requests go to plain bindings and to the group apart now.
    pub(crate) fn is_apart(&self, now: u64) -> bool {
        now < self.apart_until.load(Ordering::Relaxed)
    }

    /// The group has refused a request.
    pub(crate) fn keep_apart(&self, until: u64) {
        self.apart_until.store(until, Ordering::Relaxed);
    }

    /// The number that the next message will have.
    pub(crate) fn next_number(&self) -> u64 {
        self.next.load(Ordering::Relaxed)
    }
}

impl fmt::Debug for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Destination").field(&self.address).finish()
    }
}
