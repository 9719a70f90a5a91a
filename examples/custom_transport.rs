//! `cargo run --example custom_transport`
//!
//! A transport of one's own: a broker made of a map and channels. A transport only moves packets;
//! Conduit makes requests, streams and flow control of them. What to replace for Redis, RabbitMQ or
//! Kafka is marked with "Elsewhere:". `conduit-conformance` tests whether it is right; the tests of
//! this crate run it on this file.

#![allow(clippy::doc_markdown, reason = "RabbitMQ is a name")]

use std::{
    collections::HashMap,
    error::Error,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
    },
    task::{Context, Poll},
};

use bytes::Bytes;
use conduit::{
    Conduit,
    transport::{
        Address, Packet, Subscription, Token, Transport, TransportError, TransportErrorKind,
    },
};
use conduit_json::Json;
use conduit_smol::Smol;
use futures_core::Stream;
use smol::channel::{Receiver, Sender, bounded};

fn main() -> Result<(), Box<dyn Error>> {
    smol::block_on(async {
        let broker = Arc::new(Broker::default());
        let client = Conduit::new("client", Smol, Connection::new(&broker), Json)?;
        let server = Conduit::new("server", Smol, Connection::new(&broker), Json)?;

        server.queue_bind("sum").await?.to(|message| async move {
            let numbers: Vec<u64> = message.decode().await?;
            message.reply(&numbers.iter().sum::<u64>()).await
        });
        let sum = client.service("server").request("sum", &[20, 22]).await?;
        println!("a request and a reply: {}", sum.decode::<u64>().await?);

        server.bind("echo").await?.to(|message| async move {
            let body = message.take_body()?;
            message.reply_body(body).await
        });
        // Far longer than a packet: this file has not a line about that.
        let body = vec![7; 1_000_000];
        let echo = client.service("server").request_body("echo", body).await?;
        println!("a streamed body: {} bytes", echo.to_bytes().await?.len());

        let unanswered = client.service("server").request("product", &[6, 7]).await;
        let error = unanswered.err().ok_or("it has to fail")?;
        println!("a request without a receiver: {error:#}");
        Ok(())
    })
}

/// How many packets wait in a subscription. More are lost, as with a real broker; Conduit's flow
/// control keeps streams far from it.
const CAPACITY: usize = 65_536;

/// Elsewhere: the server. Here it is every channel that anyone listens to.
#[derive(Default)]
pub(crate) struct Broker {
    channels: Mutex<HashMap<String, Channel>>,
    last: AtomicU64,
}

/// Those who listen to one name. Of a group, one gets a packet.
struct Channel {
    is_group: bool,
    listeners: Vec<Listener>,
    turn: usize,
}

struct Listener {
    id: u64,
    connection: u64,
    packets: Sender<Packet>,
}

/// Elsewhere: the client of the broker. One for each conduit.
pub(crate) struct Connection {
    broker: Arc<Broker>,
    id: u64,
    is_closed: AtomicBool,
}

/// The names that an address has at the broker: two where it is for both kinds of bindings, which a
/// broker that can tell them apart needs not. This is all that a broker gets to see of Conduit.
///
/// Elsewhere: channels of Redis, routing keys of RabbitMQ, subjects of NATS. No service and no
/// instance has a dot in its name, so that no two addresses share one; the name of the directory has
/// none at all.
fn names(at: &Address) -> Vec<String> {
    match at {
        Address::Subject { service, subject, targets } => {
            let plain = targets.plain().then(|| format!("{service}.plain.{subject}"));
            let group = targets.group().then(|| format!("{service}.group.{subject}"));
            plain.into_iter().chain(group).collect()
        }
        Address::Inbox { service, instance } => vec![format!("{service}.inbox.{instance}")],
        Address::Control { service } => vec![format!("{service}.control")],
        Address::Directory => vec!["directory".to_owned()],
    }
}

impl Connection {
    pub(crate) fn new(broker: &Arc<Broker>) -> Self {
        Self {
            broker: Arc::clone(broker),
            id: broker.last.fetch_add(1, SeqCst),
            is_closed: AtomicBool::new(false),
        }
    }

    fn channels(&self) -> Result<MutexGuard<'_, HashMap<String, Channel>>, TransportError> {
        let channels = lock(&self.broker);
        if self.is_closed.load(SeqCst) {
            return Err(TransportErrorKind::Closed.into());
        }
        Ok(channels)
    }
}

impl Transport for Connection {
    type Subscription = Subscribed;

    /// Elsewhere: what the broker's configuration says.
    fn max_packet_len(&self) -> usize {
        64 * 1024
    }

    /// Elsewhere: wait until the client is connected. Here it always is.
    async fn ready(&self, _: &Address) -> Result<(), TransportError> {
        self.channels().map(drop)
    }

    /// Elsewhere: `PUBLISH` (Redis says how many heard it), `basic.publish` (with `mandatory`,
    /// RabbitMQ returns what has no receiver). For the group, Redis has lists and streams.
    async fn hand_over(
        &self,
        to: &Address,
        packet: &mut Option<Bytes>,
        undelivered: Option<(&Address, Token)>,
    ) -> Result<(), TransportError> {
        if packet.as_ref().is_some_and(|packet| packet.len() > self.max_packet_len()) {
            return Err(TransportErrorKind::TooLarge.into());
        }
        // Packets are in order because the lock is held for all of one call.
        let mut channels = self.channels()?;
        // Elsewhere: just before it is given to the client. From now on it may arrive.
        let Some(packet) = packet.take() else { return Ok(()) };
        let mut heard = false;
        for name in names(to) {
            if let Some(channel) = channels.get_mut(&name) {
                channel.give(&Packet::Data(packet.clone()));
                heard = true;
            }
        }
        if let (false, Some((inbox, token))) = (heard, undelivered) {
            for name in names(inbox) {
                if let Some(channel) = channels.get_mut(&name) {
                    channel.give(&Packet::Undelivered(token));
                }
            }
        }
        Ok(())
    }

    /// Elsewhere: `SUBSCRIBE`; or a queue of its own for each plain listener, a shared one for the
    /// group.
    async fn subscribe(&self, at: &Address) -> Result<Subscribed, TransportError> {
        let Ok([name]) = <[String; 1]>::try_from(names(at)) else {
            let reason = "a subscription is plain or a member of the group, not both";
            return Err(TransportError::new(TransportErrorKind::Other, reason));
        };
        let is_group = matches!(at, Address::Subject { targets, .. } if targets.group());
        let (sender, packets) = bounded(CAPACITY);
        let listener = Listener {
            id: self.broker.last.fetch_add(1, SeqCst),
            connection: self.id,
            packets: sender,
        };
        let subscribed = Subscribed {
            broker: Arc::clone(&self.broker),
            name: name.clone(),
            id: listener.id,
            packets: Box::pin(packets),
        };
        let mut channels = self.channels()?;
        let channel = channels.entry(name).or_insert_with(|| Channel {
            is_group,
            listeners: Vec::new(),
            turn: 0,
        });
        channel.listeners.push(listener);
        drop(channels);
        Ok(subscribed)
    }

    /// Elsewhere: a round trip to the server. Here all is done when `hand_over` and `subscribe` are.
    async fn flush(&self) -> Result<(), TransportError> {
        self.channels().map(drop)
    }

    async fn close(&self) {
        let mut channels = lock(&self.broker);
        self.is_closed.store(true, SeqCst);
        channels.retain(|_, channel| channel.keep(|listener| listener.connection != self.id));
    }
}

impl Channel {
    fn give(&mut self, packet: &Packet) {
        self.turn = (self.turn + 1) % self.listeners.len();
        let to = match self.is_group {
            true => &self.listeners[self.turn..=self.turn],
            false => &self.listeners,
        };
        for listener in to {
            listener.packets.try_send(packet.clone()).ok();
        }
    }

    /// Says whether anyone is left: channels without listeners are not kept.
    fn keep(&mut self, these: impl FnMut(&Listener) -> bool) -> bool {
        self.listeners.retain(these);
        !self.listeners.is_empty()
    }
}

/// What one subscription is given. It ends when its sender is gone and it has been read.
pub(crate) struct Subscribed {
    broker: Arc<Broker>,
    name: String,
    id: u64,
    packets: Pin<Box<Receiver<Packet>>>,
}

impl Stream for Subscribed {
    type Item = Packet;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Packet>> {
        self.packets.as_mut().poll_next(cx)
    }
}

impl Subscription for Subscribed {
    /// Elsewhere: `UNSUBSCRIBE`, and read on until the server has confirmed it.
    async fn leave(&mut self) -> Result<(), TransportError> {
        self.unsubscribe();
        Ok(())
    }
}

impl Drop for Subscribed {
    fn drop(&mut self) {
        self.unsubscribe();
    }
}

impl Subscribed {
    fn unsubscribe(&self) {
        let mut channels = lock(&self.broker);
        if let Some(channel) = channels.get_mut(&self.name)
            && !channel.keep(|listener| listener.id != self.id)
        {
            channels.remove(&self.name);
        }
    }
}

fn lock(broker: &Broker) -> MutexGuard<'_, HashMap<String, Channel>> {
    broker.channels.lock().unwrap_or_else(PoisonError::into_inner)
}
