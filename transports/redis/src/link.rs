use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_io::Timer;
use bytes::Bytes;
use conduit::transport::{Address, Destination, Token, TransportError, TransportErrorKind};
use conduit_kit::{Closing, LastPermitted, Lease, Permission};
use futures_lite::FutureExt;

use crate::{
    command, driver,
    names::{Name, Root},
    script,
    shared::Shared,
    slots,
    state::{Answer, Channel, Notice, Outgoing, Purpose, Refused},
};

/// The longest packet. A server takes longer ones, but they would hold up all that shares the
/// connection.
pub(crate) const MAX_PACKET_LEN: usize = 1 << 20;

/// How often it is looked again for the server of a slot that none has.
const AGAIN: Duration = Duration::from_secs(1);

/// What a transport and its subscriptions share.
pub(crate) struct Link {
    pub(crate) shared: Arc<Shared>,
    pub(crate) root: Root,
    pub(crate) limits: Limits,
    pub(crate) closing: Closing,
    /// Given back when the transport is closed.
    pub(crate) lease: Lease,
    /// Whether it counts as a conduit on the connection.
    counts: AtomicBool,
    /// The inbox that notices go to, and its channel: a conduit has one.
    inbox: OnceLock<(Address, Channel)>,
}

/// The limits of a connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// How many bytes may wait in a subscription.
    pub(crate) waiting: usize,
    /// How many bytes of bodies may be on the way here.
    pub(crate) bodies: u64,
}

/// How a packet is published to an address.
pub(crate) struct Route {
    /// The command without the packet.
    head: Vec<u8>,
    /// How errors name it.
    channel: Channel,
    slot: u16,
    by_script: bool,
    place: Box<str>,
    is_inbox: bool,
    permitted: LastPermitted,
}

impl Link {
    pub(crate) fn new(shared: Arc<Shared>, root: Root, limits: Limits, lease: Lease) -> Self {
        let closing = Closing::default();
        let (counts, inbox) = (AtomicBool::new(false), OnceLock::new());
        Self { shared, root, limits, closing, lease, counts, inbox }
    }

    /// Gives the lease back, which ends the connection if it was the last.
    pub(crate) fn release(&self) {
        self.lease.release();
        self.count(false);
    }

    /// Notes whether a conduit uses this transport.
    pub(crate) fn count(&self, counts: bool) {
        if self.counts.swap(counts, Ordering::Relaxed) == counts {
            return;
        }
        let conduits = &self.shared.conduits;
        if counts {
            conduits.fetch_add(1, Ordering::Relaxed);
        } else {
            conduits.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// An equal part of what the connection bears.
    pub(crate) fn body_budget(&self) -> u64 {
        self.limits.bodies / self.shared.conduits.load(Ordering::Relaxed).max(1)
    }

    /// Waits until a packet to an address can be given.
    pub(crate) async fn ready(&self, to: &Address) -> Result<(), TransportError> {
        let slot = slots::of(self.root.name(to).as_str());
        loop {
            self.shared.driven.with(|state| state.want(slot));
            driver::open(&self.shared);
            self.shared.ask_if_stale();
            let ready = self.shared.driven.reached(|state| state.phase_of(slot));
            let again = async {
                Timer::after(AGAIN).await;
                None
            };
            if let Some(ready) = async { Some(ready.await) }.or(again).await {
                return ready;
            }
        }
    }

    pub(crate) fn route(&self, to: &Address) -> Route {
        let name = self.root.name(to);
        let head = match &name {
            Name::Channel(channel) => command::without_the_last(&[b"SPUBLISH", channel.as_bytes()]),
            Name::Group { group, plain } => command::without_the_last(&[
                b"EVALSHA",
                script::PUBLISH.sha.as_bytes(),
                b"1",
                group.turns.as_bytes(),
                group.seen.as_bytes(),
                plain.as_deref().unwrap_or_default().as_bytes(),
                group.member.as_bytes(),
            ]),
        };
        Route {
            head,
            channel: name.as_str().into(),
            slot: slots::of(name.as_str()),
            by_script: matches!(name, Name::Group { .. }),
            place: self.root.place(to).into(),
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
        if let Permission::Ask(_) = self.permission(route, false) {
            return None;
        }
        let purpose = Purpose::Told(Arc::clone(&route.channel));
        let notice = undelivered.map(|(inbox, token)| self.notice(inbox, token));
        match self.give(route, packet, notice, purpose) {
            Ok(()) => Some(Ok(())),
            Err(_) => None,
        }
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
        let permission = self.permission(&route, true);
        let notice = undelivered.map(|(inbox, token)| self.notice(inbox, token));
        let asked = loop {
            let (purpose, asked) = match permission {
                Permission::Known | Permission::Unasked(_) => {
                    (Purpose::Told(Arc::clone(&route.channel)), None)
                }
                Permission::Ask(generation) => {
                    let (answer, waiting) = Answer::new();
                    let purpose = Purpose::Asked(Arc::clone(&route.channel), answer);
                    (purpose, Some((generation, waiting)))
                }
            };
            match self.give(&route, &bytes, notice.clone(), purpose) {
                Ok(()) => break asked,
                Err(Refused::Disconnected) => return Err(TransportErrorKind::Disconnected.into()),
                Err(Refused::Ended) => return Err(TransportErrorKind::Closed.into()),
                Err(Refused::Full) => self.shared.room(route.slot, notice.as_ref()).await,
            }
        };
        *packet = None;
        let Some((generation, waiting)) = asked else { return Ok(()) };
        match waiting.answer().await {
            Some(Ok(())) => {
                self.shared.places.permit(generation, &route.place, &route.channel);
                Ok(())
            }
            Some(Err(error)) => Err(denied("publish to", &route.channel, &error)),
            // It is unknown whether it was permitted; the next packet asks again.
            None => Ok(()),
        }
    }

    fn permission(&self, route: &Route, asks: bool) -> Permission {
        let Route { permitted, place, channel, is_inbox, .. } = route;
        self.shared.places.permission(permitted, (place, channel), *is_inbox, asks)
    }

    /// What is told, and where, if a packet was not delivered.
    fn notice(&self, inbox: &Address, token: Token) -> Notice {
        let channel = || Channel::from(self.root.name(inbox).as_str());
        match self.inbox.get_or_init(|| (inbox.clone(), channel())) {
            (known, there) if known == inbox => (Arc::clone(there), token),
            _ => (channel(), token),
        }
    }

    fn give(
        &self,
        route: &Route,
        packet: &Bytes,
        undelivered: Option<Notice>,
        purpose: Purpose,
    ) -> Result<(), Refused> {
        let Route { slot, by_script, head, .. } = route;
        let (slot, by_script) = (*slot, *by_script);
        let outgoing = Outgoing { slot, head, packet, by_script, undelivered, purpose };
        self.shared.driven.with(|state| state.publish(outgoing))
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.count(false);
    }
}

pub(crate) fn denied(what: &str, channel: &str, error: &str) -> TransportError {
    let cause = format!("the user may not {what} {channel:?}: {error}");
    TransportError::new(TransportErrorKind::Denied, cause)
}
