//! Open bodies: the tables that packets are looked up in, and the one loop that drives a machine.

mod inbound;
mod last_words;
mod outbound;

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
use super::{Shared, shared::lock, tombs::Tombs};
use crate::{
    Error, ErrorKind, ServiceName,
    config::Config,
    proto::{Budget, ReasonCode, frame::StreamId},
    transport::{Destination, MIN_PACKET_LEN, Target, Token},
};

type Port = u64;

pub(super) struct Streams {
    budget: Mutex<Budget>,
    inbound: Mutex<BTreeMap<(StreamId, Port), Arc<InboundStream>>>,
    outbound: Mutex<BTreeMap<StreamId, Arc<OutboundStream>>>,
    /// The last word on bodies that were received, or not.
    received: Mutex<LastWords>,
    /// To whom bodies were sent that are finished.
    sent: Mutex<Tombs<StreamId, ServiceName>>,
}

/// What a machine wants its driver to do.
enum Step {
    Publish { to: Arc<Destination>, packet: Bytes, offer: Option<Target>, next: Option<Instant> },
    Wait(Option<Instant>),
    Finished,
}

/// A machine with its lock.
trait Driven: Send + Sync {
    /// Lets the machine know the time, and asks what to do.
    fn step(&self, shared: &Shared) -> Step;
    /// An offer was given to the broker.
    fn offered(&self, _shared: &Shared, _target: Target) {}
    /// The name by which the broker says that nobody was there for an offer.
    fn token(&self, _target: Target) -> Option<Token> {
        None
    }
    /// Notified when `step` may have another answer.
    fn changed(&self) -> &Event;
}

impl Streams {
    pub(super) fn new(config: &Config) -> Self {
        Self {
            budget: Mutex::new(Budget::new(config.budget)),
            inbound: Mutex::default(),
            outbound: Mutex::default(),
            received: Mutex::default(),
            sent: Mutex::default(),
        }
    }
}

impl Shared {
    /// Drives a machine to its end. The machine keeps what matters, so this may be dropped.
    async fn drive(&self, driven: &impl Driven) -> Result<(), Error> {
        let mut listener = None;
        loop {
            if self.is_closed() {
                return Err(ErrorKind::Closed.into());
            }
            match driven.step(self) {
                Step::Finished => return Ok(()),
                Step::Publish { to, packet, offer: Some(target), .. } => {
                    self.publish(&to, || packet.clone(), driven.token(target)).await?;
                    driven.offered(self, target);
                }
                Step::Publish { to, packet, offer: None, next } => {
                    self.publish_frame(&to, packet, next).await?;
                }
                Step::Wait(next) => match listener.take() {
                    // What changed between the step and the listening is seen by another step.
                    None => listener = Some(driven.changed().listen()),
                    Some(listening) => match next {
                        Some(at) => future::or(listening, self.sleep_until(at)).await,
                        None => listening.await,
                    },
                },
            }
        }
    }

    /// Publishes a packet that the machine repeats if it is lost, and until its next timeout only:
    /// without a connection, time passes for the machine too. A machine that has ended has no
    /// timeout, and nobody may wait for its last packet.
    async fn publish_frame(
        &self,
        to: &Destination,
        packet: Bytes,
        next: Option<Instant>,
    ) -> Result<(), Error> {
        let is_least = packet.len() <= MIN_PACKET_LEN;
        if let Some(result) = self.publish_now(to, packet.clone(), None) {
            return survived(result, is_least);
        }
        let mut publish = self.transport.publish(to.address(), packet.clone(), None);
        let result = match (future::poll_once(&mut publish).await, next) {
            (Some(result), _) => result,
            (None, None) => {
                self.post_packet(to.address().clone(), packet, None);
                Ok(())
            }
            (None, Some(at)) => {
                let give_up = async {
                    self.sleep_until(at).await;
                    Ok(())
                };
                future::or(publish, give_up).await
            }
        };
        survived(result.map_err(Error::from), is_least)
    }

    /// How many bytes open bodies hold here: those that come in, and those that go out.
    pub(crate) fn held(&self) -> (u64, u64) {
        let incoming = lock(&self.streams.budget).used();
        let outbound = lock(&self.streams.outbound);
        (incoming, outbound.values().map(|stream| stream.held()).sum())
    }

    /// How many bodies are open: those that come in, and those that go out.
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

/// A body outlives a lost connection: what was lost with it is sent again.
fn survived(published: Result<(), Error>, is_least: bool) -> Result<(), Error> {
    match published {
        Err(error) if error.kind() == ErrorKind::Disconnected => Ok(()),
        // The transport took that much when it was made. It is sent again in smaller pieces.
        Err(error) if error.kind() == ErrorKind::TooLarge && !is_least => Ok(()),
        published => published,
    }
}
