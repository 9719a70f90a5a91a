use std::sync::Arc;

use bytes::Bytes;
use conduit::transport::{Address, Destination, Token, TransportError, TransportErrorKind};
use conduit_kit::{Closing, LastPermitted, Lease, Permission};

use crate::{
    frame::Fault,
    names::Root,
    shared::Shared,
    state::{Answer, Exchange, Heads, Lane, Outgoing, Refused, Unsure},
};

/// The longest packet. A server takes longer ones, but they would hold up all that shares the
/// connection.
pub(crate) const MAX_PACKET_LEN: usize = 256 << 10;

/// What a transport and its subscriptions share.
pub(crate) struct Link {
    pub(crate) shared: Arc<Shared>,
    pub(crate) root: Root,
    /// How many bytes may wait in a subscription.
    pub(crate) max_waiting: usize,
    pub(crate) closing: Closing,
    /// Given back when the transport is closed.
    pub(crate) lease: Lease,
}

/// How a packet is published to an address.
pub(crate) struct Route {
    heads: Heads,
    is_inbox: bool,
    permitted: LastPermitted,
}

impl Link {
    pub(crate) fn new(shared: Arc<Shared>, root: Root, max_waiting: usize, lease: Lease) -> Self {
        Self { shared, root, max_waiting, closing: Closing::default(), lease }
    }

    /// Gives the lease back, which ends the connection if it was the last.
    pub(crate) fn release(&self) {
        self.lease.release();
    }

    /// Waits until there is a connection, and the exchange.
    pub(crate) async fn exchange(&self) -> Result<(), TransportError> {
        let exchange = self.root.exchange();
        loop {
            self.shared.driven.connected().await?;
            match self.shared.driven.with(|state| state.exchange(exchange)) {
                Exchange::There => return Ok(()),
                Exchange::Failed(fault) => {
                    return Err(failed("use the exchange", exchange, &fault));
                }
                Exchange::Unknown => {}
            }
            self.shared.driven.until(|state| state.has(exchange)).await;
        }
    }

    /// Waits until packets are taken.
    pub(crate) async fn ready(&self) -> Result<(), TransportError> {
        self.exchange().await?;
        self.shared.ready().await
    }

    fn route(&self, to: &Address) -> Route {
        let key = self.root.key(to);
        let (name, place) = (self.root.name(&key), self.root.place(to));
        Route {
            heads: Heads::new(Arc::clone(self.root.exchange()), &key, name, place),
            is_inbox: matches!(to, Address::Inbox { .. }),
            permitted: LastPermitted::default(),
        }
    }

    /// Publishes without waiting; `None` if it would have to wait.
    pub(crate) fn publish_now(
        &self,
        to: &Destination,
        packet: &Bytes,
        undelivered: Option<(&Address, Token)>,
    ) -> Option<Result<(), TransportError>> {
        let route = to.remember(|address| self.route(address))?;
        let (lane, unsure) = self.lane(route, false);
        if lane == Lane::Asking {
            return None;
        }
        self.give(route, packet, undelivered, (lane, unsure), None).ok().map(Ok)
    }

    /// Publishes, and takes the packet when it does so.
    pub(crate) async fn publish(
        &self,
        to: &Address,
        packet: &mut Option<Bytes>,
        undelivered: Option<(&Address, Token)>,
    ) -> Result<(), TransportError> {
        let Some(bytes) = packet.clone() else { return Ok(()) };
        let route = self.route(to);
        if self.lane(&route, false).0 == Lane::Asking {
            // What was published before stands before it, though on another lane.
            self.shared.confirmed().await?;
        }
        let waiting = loop {
            let (lane, unsure) = self.lane(&route, true);
            let (answer, waiting) = match lane {
                Lane::Asking => {
                    let (answer, waiting) = Answer::new();
                    (Some(answer), Some(waiting))
                }
                _ => (None, None),
            };
            match self.give(&route, &bytes, undelivered, (lane, unsure), answer) {
                Ok(()) => break waiting,
                Err(Refused::Disconnected) => return Err(TransportErrorKind::Disconnected.into()),
                Err(Refused::Ended) => return Err(TransportErrorKind::Closed.into()),
                Err(Refused::Full) => {
                    self.exchange_of(&route).await?;
                    self.shared.driven.until(|state| state.has_room(lane, &route.heads)).await;
                }
            }
        };
        *packet = None;
        let Some(waiting) = waiting else { return Ok(()) };
        match waiting.answer().await {
            Some(Err(fault)) if fault.is_denied() => {
                Err(failed("publish to", &route.heads.name, &fault))
            }
            // It is unknown whether it was permitted; the next packet asks again.
            _ => Ok(()),
        }
    }

    /// Fails where there is no exchange, and cannot be.
    async fn exchange_of(&self, route: &Route) -> Result<(), TransportError> {
        let exchange = &route.heads.exchange;
        match self.shared.driven.with(|state| state.exchange(exchange)) {
            Exchange::Failed(fault) => Err(failed("use the exchange", exchange, &fault)),
            Exchange::There | Exchange::Unknown => Ok(()),
        }
    }

    /// On which lane a packet goes, and what is learnt by it. Where permission is to be asked for, that
    /// is counted if `asks`.
    fn lane(&self, route: &Route, asks: bool) -> (Lane, Option<Unsure>) {
        let Route { heads: Heads { name, place, .. }, is_inbox, permitted } = route;
        let places = &self.shared.places;
        let (lane, generation) = match places.permission(permitted, (place, name), *is_inbox, asks)
        {
            Permission::Known => return (Lane::Sure, None),
            Permission::Ask(generation) => (Lane::Asking, generation),
            Permission::Unasked(generation) => (Lane::Unsure, generation),
        };
        (lane, Some(Unsure { place: place.clone(), name: Arc::clone(name), generation }))
    }

    fn give(
        &self,
        route: &Route,
        packet: &Bytes,
        undelivered: Option<(&Address, Token)>,
        (lane, unsure): (Lane, Option<Unsure>),
        answer: Option<Answer>,
    ) -> Result<(), Refused> {
        let undelivered =
            undelivered.map(|(inbox, token)| (self.root.name(&self.root.key(inbox)), token));
        let heads = &route.heads;
        let outgoing = Outgoing { heads, packet, undelivered, lane, unsure, answer };
        self.shared.driven.with(|state| state.publish(outgoing))
    }
}

pub(crate) fn failed(what: &str, name: &str, fault: &Fault) -> TransportError {
    if fault.is_denied() {
        let cause = format!("the user may not {what} {name:?}: {fault}");
        return TransportError::new(TransportErrorKind::Denied, cause);
    }
    TransportError::new(TransportErrorKind::Other, format!("cannot {what} {name:?}: {fault}"))
}
