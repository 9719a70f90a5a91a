//! The loop that drives the machine of a body.

use std::{sync::Arc, time::Instant};

use bytes::Bytes;
use event_listener::Event;
use futures_lite::future;

use crate::{
    Error, ErrorKind,
    driver::{ground::Ground, outlet::Outlet},
    error::Causes,
    proto::{Reason, ReasonCode, frame::Receiver},
    transport::{MIN_PACKET_LEN, Target, Token},
};

/// What the driver has to do for a machine.
pub(super) enum DriveStep {
    Publish { to: Arc<Outlet>, packet: Bytes, sent: Sent, next: Option<Instant> },
    Wait(Option<Instant>),
    Finished,
}

/// What the driver has to report to the machine about a packet.
pub(super) enum Sent {
    /// When it was handed over.
    Offer(Target),
    /// Before it is handed over, since it may start a handler, and if it was not handed over.
    Confirm(Receiver),
    Nothing,
}

/// A machine with its lock.
pub(super) trait Driven: Send + Sync {
    /// Handles timers, and returns what to do.
    fn step(&self) -> DriveStep;
    /// Notes that the broker has an offer.
    fn offered(&self, _target: Target) {}
    /// Notes that a confirmation is about to be handed over. Returns whether it still may be.
    fn confirming(&self, _receiver: Receiver) -> bool {
        true
    }
    /// Notes that a confirmation was not handed over.
    fn not_confirmed(&self, _receiver: Receiver) {}
    /// Returns the token for the broker's notice that an offer had no receiver.
    fn token(&self, _target: Target) -> Option<Token> {
        None
    }
    /// Returns the event that is notified when `step` may return something else.
    fn changed(&self) -> &Event;
}

/// Drives a machine to its end. All state is in the machine, so this may be dropped.
pub(super) async fn drive(ground: &Ground, driven: &impl Driven) -> Result<(), Error> {
    let mut listener = None;
    loop {
        if ground.is_closed() {
            return Err(ErrorKind::Closed.into());
        }
        match driven.step() {
            DriveStep::Finished => return Ok(()),
            DriveStep::Publish { to, packet, sent: Sent::Offer(target), .. } => {
                ground.publish(&to, &to, || packet.clone(), driven.token(target), None).await?;
                driven.offered(target);
            }
            DriveStep::Publish { to, packet, sent: Sent::Confirm(receiver), next } => {
                confirm(ground, driven, receiver, &to, packet, next).await?;
            }
            DriveStep::Publish { to, packet, sent: Sent::Nothing, next } => {
                publish(ground, &to, &mut Some(packet), next).await?;
            }
            DriveStep::Wait(next) => match listener.take() {
                // Step once more, for changes between the step and the creation of the listener.
                None => listener = Some(driven.changed().listen()),
                Some(listening) => match next {
                    Some(at) => future::or(listening, ground.sleep_until(at)).await,
                    None => listening.await,
                },
            },
        }
    }
}

/// Returns why a machine is not driven to its end: the conduit closes, or another reason.
pub(super) fn undriven(ground: &Ground, error: &Error, other: ReasonCode) -> Reason {
    match error.kind() {
        ErrorKind::Closed => ReasonCode::Closed.into(),
        _ => ground.config.told(Reason::new(other, Causes(error).to_string())),
    }
}

/// Publishes a confirmation: from the moment it is handed over, a handler may run.
async fn confirm(
    ground: &Ground,
    driven: &impl Driven,
    receiver: Receiver,
    to: &Outlet,
    packet: Bytes,
    next: Option<Instant>,
) -> Result<(), Error> {
    // A machine with a receiver to confirm has a timeout.
    let until = next.unwrap_or_else(|| ground.now());
    let ready = async { ground.transport.ready(to.address()).await.map_err(Error::from) };
    let ready = until_timeout(ground, until, ready).await;
    if !matches!(ready, Some(Ok(()))) {
        return ready.map_or(Ok(()), |ready| survived(ready, true));
    }
    if !driven.confirming(receiver) {
        return Ok(());
    }
    let mut packet = Some(packet);
    let published = publish(ground, to, &mut packet, Some(until)).await;
    if packet.is_some() {
        driven.not_confirmed(receiver);
    }
    published
}

/// Publishes a packet that the machine repeats if it is lost. Waits only until its next timeout, so
/// that timers run without a connection too. A machine that has ended has no timeout, and its last
/// packet is not waited for. `packet` is empty if it was handed over.
async fn publish(
    ground: &Ground,
    to: &Outlet,
    packet: &mut Option<Bytes>,
    next: Option<Instant>,
) -> Result<(), Error> {
    let Some(bytes) = packet.clone() else { return Ok(()) };
    let is_least = bytes.len() <= MIN_PACKET_LEN;
    // Not collected: a receipt that waits for the connection delays the body.
    if let Some(result) = ground.publish_now(to.destination(), bytes, None) {
        if result.is_ok() {
            *packet = None;
        }
        return survived(result.map_err(Error::from), is_least);
    }
    let mut publish = ground.transport.publish(to.address(), packet, None);
    let result = match (future::poll_once(&mut publish).await, next) {
        (Some(result), _) => result,
        (None, Some(at)) => until_timeout(ground, at, publish).await.unwrap_or(Ok(())),
        (None, None) => {
            drop(publish);
            if let Some(packet) = packet.take() {
                ground.post_packet(to.address().clone(), packet, None);
            }
            Ok(())
        }
    };
    survived(result.map_err(Error::from), is_least)
}

/// Runs a future until the next timeout of a machine.
async fn until_timeout<T>(
    ground: &Ground,
    at: Instant,
    doing: impl Future<Output = T>,
) -> Option<T> {
    let timeout = async {
        ground.sleep_until(at).await;
        None
    };
    future::or(async { Some(doing.await) }, timeout).await
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
