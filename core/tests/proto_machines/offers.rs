//! What is offered to a budget.

use conduit::{
    InstanceId, ServiceName, Source,
    proto::{Budget, BudgetLimits, Offered, frame::StreamId},
};

use crate::forged::RECEIVER;

/// Room for some bodies of a thousand bytes, and for any number of empty ones.
pub(crate) fn budget() -> Budget {
    Budget::new(BudgetLimits { bytes: 10_000, first: 1000, ..UNLIMITED })
}

const UNLIMITED: BudgetLimits = BudgetLimits {
    bytes: 1 << 40,
    first: 1,
    bodies: 1 << 40,
    bodies_per_binding: 1 << 40,
    places: 1 << 40,
    packets: 1 << 40,
};

/// An offer of a source to the binding of [`RECEIVER`], which has room.
pub(crate) fn offered(source: &Source, stream: StreamId, first: u64) -> Offered<'_> {
    let (port, packet) = (RECEIVER.port, 100);
    let (free_places, free_packets) = (1 << 40, 1 << 40);
    Offered { stream, source, port, first, packet, free_places, free_packets }
}

pub(crate) fn source(service: u32, instance: u8) -> Source {
    Source {
        service: ServiceName::new(format!("service-{service}")).expect("the name is valid"),
        instance: InstanceId::from_bytes([instance; 16]),
    }
}
