//! The tables of open bodies, and the loop that drives the machine of each.

mod admission;
mod inbound;
mod last_words;
mod outbound;
mod senders;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Instant,
};

use bytes::Bytes;
use event_listener::Event;
use futures_lite::future;

pub(super) use self::inbound::Readiness;
use self::last_words::LastWords;
pub(crate) use self::{inbound::InboundStream, outbound::OutboundStream};
use super::{Shared, ground::lock, tombs::Tombs};
use crate::{
    Error, ErrorKind, ServiceName,
    config::Config,
    error::Causes,
    proto::{
        Budget, Reason, ReasonCode,
        frame::{Receiver, StreamId},
    },
    transport::{Destination, MIN_PACKET_LEN, Target, Token},
};

type Port = u64;

pub(super) struct Streams {
    budget: Mutex<Budget>,
    inbound: Mutex<BTreeMap<(StreamId, Port), Arc<InboundStream>>>,
    outbound: Mutex<BTreeMap<StreamId, Arc<OutboundStream>>>,
    /// The last words on bodies that were received or refused.
    pub(super) received: Mutex<LastWords>,
    /// The receiving services of bodies that were sent.
    pub(super) sent: Mutex<Tombs<StreamId, ServiceName>>,
}

/// What the driver has to do for a machine.
enum Step {
    Publish { to: Arc<Destination>, packet: Bytes, sent: Sent, next: Option<Instant> },
    Wait(Option<Instant>),
    Finished,
}

/// What the driver has to report to the machine about a packet.
enum Sent {
    /// When it was handed over.
    Offer(Target),
    /// Before it is handed over, since it may start a handler, and if it was not handed over.
    Confirm(Receiver),
    Nothing,
}

/// A machine with its lock.
trait Driven: Send + Sync {
    /// Handles timers, and returns what to do.
    fn step(&self, shared: &Shared) -> Step;
    /// Notes that the broker has an offer.
    fn offered(&self, _shared: &Shared, _target: Target) {}
    /// Notes that a confirmation is about to be handed over. Returns whether it still may be.
    fn confirming(&self, _receiver: Receiver) -> bool {
        true
    }
    /// Notes that a confirmation was not handed over.
    fn not_confirmed(&self, _receiver: Receiver) {}
    /// Returns the token for the broker's notice that an offer had no receiver.
    fn token(&self, _shared: &Shared, _target: Target) -> Option<Token> {
        None
    }
    /// Returns the event that is notified when `step` may return something else.
    fn changed(&self) -> &Event;
}

impl Streams {
    pub(super) fn new(config: &Config) -> Self {
        Self {
            budget: Mutex::new(Budget::new(config.incoming())),
            inbound: Mutex::default(),
            outbound: Mutex::default(),
            received: Mutex::default(),
            sent: Mutex::default(),
        }
    }
}

impl Shared {
    /// Drives a machine to its end. All state is in the machine, so this may be dropped.
    async fn drive(&self, driven: &impl Driven) -> Result<(), Error> {
        let mut listener = None;
        loop {
            if self.is_closed() {
                return Err(ErrorKind::Closed.into());
            }
            match driven.step(self) {
                Step::Finished => return Ok(()),
                Step::Publish { to, packet, sent: Sent::Offer(target), .. } => {
                    self.publish(&to, || packet.clone(), driven.token(self, target), None).await?;
                    driven.offered(self, target);
                }
                Step::Publish { to, packet, sent: Sent::Confirm(receiver), next } => {
                    self.confirm(driven, receiver, &to, packet, next).await?;
                }
                Step::Publish { to, packet, sent: Sent::Nothing, next } => {
                    self.publish_frame(&to, &mut Some(packet), next).await?;
                }
                Step::Wait(next) => match listener.take() {
                    // Step once more, for changes between the step and the creation of the
                    // listener.
                    None => listener = Some(driven.changed().listen()),
                    Some(listening) => match next {
                        Some(at) => future::or(listening, self.sleep_until(at)).await,
                        None => listening.await,
                    },
                },
            }
        }
    }

    /// Returns why a machine is not driven to its end: the conduit closes, or another reason.
    fn undriven(&self, error: &Error, other: ReasonCode) -> Reason {
        match error.kind() {
            ErrorKind::Closed => ReasonCode::Closed.into(),
            _ => self.config.told(Reason::new(other, Causes(error).to_string())),
        }
    }

    /// Publishes a confirmation: from the moment it is handed over, a handler may run.
    async fn confirm(
        &self,
        driven: &impl Driven,
        receiver: Receiver,
        to: &Destination,
        packet: Bytes,
        next: Option<Instant>,
    ) -> Result<(), Error> {
        // A machine with a receiver to confirm has a timeout.
        let until = next.unwrap_or_else(|| self.now());
        let ready = async { self.transport.ready(to.address()).await.map_err(Error::from) };
        let ready = self.until_timeout(until, ready).await;
        if !matches!(ready, Some(Ok(()))) {
            return ready.map_or(Ok(()), |ready| survived(ready, true));
        }
        if !driven.confirming(receiver) {
            return Ok(());
        }
        let mut packet = Some(packet);
        let published = self.publish_frame(to, &mut packet, Some(until)).await;
        if packet.is_some() {
            driven.not_confirmed(receiver);
        }
        published
    }

    /// Publishes a packet that the machine repeats if it is lost. Waits only until its next
    /// timeout, so that timers run without a connection too. A machine that has ended has no
    /// timeout, and its last packet is not waited for. `packet` is empty if it was handed over.
    async fn publish_frame(
        &self,
        to: &Destination,
        packet: &mut Option<Bytes>,
        next: Option<Instant>,
    ) -> Result<(), Error> {
        let Some(bytes) = packet.clone() else { return Ok(()) };
        let is_least = bytes.len() <= MIN_PACKET_LEN;
        if let Some(result) = self.publish_now(to, bytes, None) {
            if result.is_ok() {
                *packet = None;
            }
            return survived(result, is_least);
        }
        let mut publish = self.transport.publish(to.address(), packet, None);
        let result = match (future::poll_once(&mut publish).await, next) {
            (Some(result), _) => result,
            (None, Some(at)) => self.until_timeout(at, publish).await.unwrap_or(Ok(())),
            (None, None) => {
                drop(publish);
                if let Some(packet) = packet.take() {
                    self.post_packet(to.address().clone(), packet, None);
                }
                Ok(())
            }
        };
        survived(result.map_err(Error::from), is_least)
    }

    /// Runs a future until the next timeout of a machine.
    async fn until_timeout<T>(&self, at: Instant, doing: impl Future<Output = T>) -> Option<T> {
        let timeout = async {
            self.sleep_until(at).await;
            None
        };
        future::or(async { Some(doing.await) }, timeout).await
    }

    /// Returns how many bytes incoming and outgoing bodies hold here.
    pub(crate) fn held(&self) -> (u64, u64) {
        let incoming = lock(&self.streams.budget).used();
        let outbound = lock(&self.streams.outbound);
        (incoming, outbound.values().map(|stream| stream.held()).sum())
    }

    /// Returns how many incoming and outgoing bodies are open.
    pub(crate) fn open_bodies(&self) -> (usize, usize) {
        (lock(&self.streams.inbound).len(), lock(&self.streams.outbound).len())
    }

    /// Ends every open body.
    pub(super) fn end_streams(&self) {
        let inbound: Vec<_> = lock(&self.streams.inbound).values().cloned().collect();
        let outbound: Vec<_> = lock(&self.streams.outbound).values().cloned().collect();
        for stream in inbound {
            stream.stop(self, ReasonCode::Closed.into());
        }
        for stream in outbound {
            stream.abort(ReasonCode::Closed.into());
        }
    }
}

/// Ignores errors that a body survives, such as a lost connection: lost packets are sent again.
fn survived(published: Result<(), Error>, is_least: bool) -> Result<(), Error> {
    match published {
        Err(error) if error.kind() == ErrorKind::Disconnected => Ok(()),
        // The limit was larger when the packet was made. It is sent again in smaller chunks.
        Err(error) if error.kind() == ErrorKind::TooLarge && !is_least => Ok(()),
        published => published,
    }
}
