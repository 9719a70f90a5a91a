//! What layers do whose methods are left at their defaults: they pass everything on.
//!
//! Each default is a function over the type of the layer, so that the type of its future is one that
//! nothing else returns: it shows which methods a layer has of its own.

use super::{InboundCall, InboundNext, InboundOutcome, Layer, Next, OutboundCall, Outcome};

pub(super) async fn outbound<L: Layer + ?Sized>(
    _: &L,
    call: OutboundCall,
    next: Next<'_>,
) -> Outcome {
    next.run(call).await
}

pub(super) async fn inbound<L: Layer + ?Sized>(
    _: &L,
    call: InboundCall,
    next: InboundNext<'_>,
) -> InboundOutcome {
    next.run(call).await
}
