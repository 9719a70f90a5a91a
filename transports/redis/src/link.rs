use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Instant,
};

use bytes::Bytes;
use conduit::transport::{Address, Destination, Token, TransportError, TransportErrorKind};
use conduit_kit::Closing;

use crate::{
    command,
    names::{Name, Root},
    script,
    shared::{Lease, Shared},
    state::{Answer, Channel, Outgoing, Purpose, Refused, Waiting},
};

/// The longest packet. A server takes longer ones, but they would hold up all that shares the
/// connection.
pub(crate) const MAX_PACKET_LEN: usize = 1 << 20;

/// What a transport and its subscriptions share.
pub(crate) struct Link {
    pub(crate) shared: Arc<Shared>,
    pub(crate) root: Root,
    pub(crate) limits: Limits,
    pub(crate) closing: Closing,
    /// `None` once the transport is closed.
    lease: Mutex<Option<Arc<Lease>>>,
    /// Whether it counts as a conduit on the connection.
    counts: AtomicBool,
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
    place: Box<str>,
    is_inbox: bool,
    /// How often permissions had changed when a publish to it was last known to be permitted.
    permitted: AtomicU64,
}

/// What is to be asked of the next publish, if anything.
enum Question {
    None,
    /// Whether it is permitted; the generation of the answer.
    Permitted(u64),
}

impl Link {
    pub(crate) fn new(
        shared: Arc<Shared>,
        root: Root,
        limits: Limits,
        lease: Option<Arc<Lease>>,
    ) -> Self {
        let (closing, lease) = (Closing::default(), Mutex::new(lease));
        Self { shared, root, limits, closing, lease, counts: AtomicBool::new(false) }
    }

    pub(crate) fn lease(&self) -> Option<Arc<Lease>> {
        self.lease.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Gives the lease back, which ends the connection if it was the last.
    pub(crate) fn release(&self) {
        let lease = self.lease.lock().unwrap_or_else(PoisonError::into_inner).take();
        drop(lease);
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

    pub(crate) fn route(&self, to: &Address) -> Route {
        let name = self.root.name(to);
        let head = match &name {
            Name::Channel(channel) => command::without_the_last(&[b"PUBLISH", channel.as_bytes()]),
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
            place: self.root.place(to).into(),
            is_inbox: matches!(to, Address::Inbox { .. }),
            permitted: AtomicU64::new(u64::MAX),
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
        match self.question(route, false) {
            Question::None => {}
            Question::Permitted(_) => return None,
        }
        let purpose = Purpose::Told(Arc::clone(&route.channel));
        match self.give(route, packet, undelivered, purpose) {
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
        let question = self.question(&route, true);
        let mut waiting: Option<Waiting>;
        loop {
            let purpose = match question {
                Question::None => {
                    waiting = None;
                    Purpose::Told(Arc::clone(&route.channel))
                }
                Question::Permitted(_) => {
                    let (answer, wait) = Answer::new();
                    waiting = Some(wait);
                    Purpose::Asked(Arc::clone(&route.channel), answer)
                }
            };
            match self.give(&route, &bytes, undelivered, purpose) {
                Ok(()) => break,
                Err(Refused::Disconnected) => return Err(TransportErrorKind::Disconnected.into()),
                Err(Refused::Ended) => return Err(TransportErrorKind::Closed.into()),
                Err(Refused::Full) => self.shared.room().await,
            }
        }
        *packet = None;
        let (Question::Permitted(generation), Some(waiting)) = (question, waiting) else {
            return Ok(());
        };
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

    /// Whether it has to be asked if a publish is permitted, and may be.
    fn question(&self, route: &Route, takes: bool) -> Question {
        let places = &self.shared.places;
        let changes = places.changes();
        if route.permitted.load(Ordering::Relaxed) == changes {
            return Question::None;
        }
        let Some(generation) = places.is_unknown(&route.place, &route.channel) else {
            route.permitted.store(changes, Ordering::Relaxed);
            return Question::None;
        };
        let asks = match (route.is_inbox, takes) {
            (false, _) => true,
            (true, true) => places.may_ask_for_inbox(Instant::now()),
            (true, false) => places.could_ask_for_inbox(Instant::now()),
        };
        if asks { Question::Permitted(generation) } else { Question::None }
    }

    fn give(
        &self,
        route: &Route,
        packet: &Bytes,
        undelivered: Option<(&Address, Token)>,
        purpose: Purpose,
    ) -> Result<(), Refused> {
        let undelivered = undelivered.and_then(|(inbox, token)| match self.root.name(inbox) {
            Name::Channel(channel) => Some((channel.into(), token)),
            Name::Group { .. } => None,
        });
        let outgoing = Outgoing { head: &route.head, packet, undelivered, purpose };
        self.shared.with(|state| state.publish(outgoing))
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
