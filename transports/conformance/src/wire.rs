//! A transport without a conduit, for the checks of its own contract.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use conduit::{
    InstanceId, ServiceName, Subject,
    transport::{
        Address, Destination, Namespace, Packet, Subscription, Targets, Token, Transport,
        TransportError,
    },
};
use futures_lite::StreamExt;

use crate::{Broker, Guarantee, Violation, World};

/// One connection to the broker under test.
pub(crate) struct Wire<'a, B: Broker> {
    world: &'a World<B>,
    rule: Guarantee,
    pub(crate) transport: B::Transport,
    /// How many packets it was given.
    published: AtomicU64,
    /// Where they went. Conduits keep them too, so that the transport can remember something.
    destinations: Mutex<BTreeMap<Address, Arc<Destination>>>,
}

/// One subscription of it.
pub(crate) struct Ear<'a, B: Broker> {
    world: &'a World<B>,
    rule: Guarantee,
    packets: <B::Transport as Transport>::Subscription,
}

impl<'a, B: Broker> Wire<'a, B> {
    pub(crate) async fn connect(world: &'a World<B>, rule: Guarantee) -> Self {
        Self::on(world, rule, world.broker().connect().await)
    }

    /// A connection in a namespace, if the transport has these.
    pub(crate) async fn connect_in(
        world: &'a World<B>,
        rule: Guarantee,
        namespace: Namespace,
    ) -> Option<Self> {
        let transport = world.broker().connect_in(namespace).await?;
        Some(Self::on(world, rule, transport))
    }

    fn on(world: &'a World<B>, rule: Guarantee, transport: B::Transport) -> Self {
        let (published, destinations) = (AtomicU64::new(0), Mutex::default());
        Self { world, rule, transport, published, destinations }
    }

    /// A subscription that is in force.
    pub(crate) async fn subscribe(&self, at: &Address) -> Result<Ear<'a, B>, Violation> {
        let subscribed = self.soon("subscribe", self.transport.subscribe(at)).await?;
        self.flush().await?;
        Ok(Ear { world: self.world, rule: self.rule, packets: subscribed })
    }

    pub(crate) async fn publish(&self, to: &Address, packet: Bytes) -> Result<(), Violation> {
        self.soon("publish", self.give(to, packet, None)).await
    }

    pub(crate) async fn publish_number(&self, to: &Address, number: u64) -> Result<(), Violation> {
        self.publish(to, packet_of(number)).await
    }

    /// Publishes, and asks to be told at an inbox if nobody is there.
    pub(crate) async fn publish_noticed(
        &self,
        to: &Address,
        inbox: &Address,
        token: Token,
    ) -> Result<(), Violation> {
        let published = self.give(to, packet_of(0), Some((inbox, token)));
        self.soon("publish", published).await
    }

    /// Waits until a packet can be handed over.
    pub(crate) async fn ready(&self, to: &Address) -> Result<(), Violation> {
        self.soon("wait until it is ready", self.transport.ready(to)).await
    }

    pub(crate) async fn hand_over(
        &self,
        to: &Address,
        packet: &mut Option<Bytes>,
    ) -> Result<(), Violation> {
        self.soon("hand over", self.transport.hand_over(to, packet, None)).await
    }

    /// Publishes as conduits do: at once where that takes no waiting. Every other packet goes the
    /// long way, so that both have to keep the contract, and keep it together.
    async fn give(
        &self,
        to: &Address,
        packet: Bytes,
        undelivered: Option<(&Address, Token)>,
    ) -> Result<(), TransportError> {
        if self.published.fetch_add(1, Ordering::Relaxed).is_multiple_of(2) {
            let to = self.destination(to);
            let now = self.transport.publish_now(&to, packet.clone(), undelivered);
            if let Some(published) = now {
                return published;
            }
        }
        self.transport.publish(to, packet, undelivered).await
    }

    /// Where packets to an address go, each time the same.
    pub(crate) fn destination(&self, to: &Address) -> Arc<Destination> {
        let mut destinations = self.destinations.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = || Arc::new(Destination::new(to.clone()));
        Arc::clone(destinations.entry(to.clone()).or_insert_with(fresh))
    }

    pub(crate) async fn flush(&self) -> Result<(), Violation> {
        self.soon("flush", self.transport.flush()).await
    }

    async fn soon<T>(
        &self,
        doing: &str,
        future: impl Future<Output = Result<T, TransportError>> + Send,
    ) -> Result<T, Violation> {
        let done = self.world.within(B::PATIENCE, self.rule, doing, future).await?;
        self.rule.expect(doing, done)
    }
}

impl<B: Broker> Ear<'_, B> {
    /// The next packet, or nothing at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Packet>, Violation> {
        let next = self.packets.next();
        self.world.within(B::PATIENCE, self.rule, "wait for a packet", next).await
    }

    /// The next packet, which has to be a number.
    pub(crate) async fn number(&mut self) -> Result<u64, Violation> {
        match self.next().await? {
            Some(Packet::Data(packet)) => number_of(&packet),
            other => Err(Violation::new(self.rule, format!("got {other:?} instead of a packet"))),
        }
    }

    /// The numbers that come before the end.
    pub(crate) async fn rest(&mut self) -> Result<Vec<u64>, Violation> {
        let mut numbers = Vec::new();
        while let Some(packet) = self.next().await? {
            if let Packet::Data(packet) = packet {
                numbers.push(number_of(&packet)?);
            }
        }
        Ok(numbers)
    }

    pub(crate) async fn leave(&mut self) -> Result<(), Violation> {
        let leaving = self.packets.leave();
        let left = self.world.within(B::PATIENCE, self.rule, "leave", leaving).await?;
        self.rule.expect("leave", left)
    }
}

/// Where most of these checks send to.
pub(crate) fn subject(targets: Targets) -> Address {
    subject_named("packets", targets)
}

pub(crate) fn subject_named(subject: &str, targets: Targets) -> Address {
    Address::Subject {
        service: service(),
        subject: Subject::try_from(subject).expect("a subject"),
        targets,
    }
}

pub(crate) fn inbox(instance: u8) -> Address {
    Address::Inbox {
        service: service(),
        instance: InstanceId::from_bytes([instance; InstanceId::LEN]),
    }
}

pub(crate) fn service() -> ServiceName {
    ServiceName::try_from("wire").expect("a service name")
}

fn packet_of(number: u64) -> Bytes {
    Bytes::copy_from_slice(&number.to_be_bytes())
}

fn number_of(packet: &Bytes) -> Result<u64, Violation> {
    let bytes = packet.as_ref().try_into();
    let bytes = Guarantee::Packets.expect("a packet arrives as it was", bytes)?;
    Ok(u64::from_be_bytes(bytes))
}

/// Holds unless each number below a count is there once.
pub(crate) fn each_once(
    rule: Guarantee,
    mut numbers: Vec<u64>,
    count: u64,
) -> Result<(), Violation> {
    numbers.sort_unstable();
    let repeated = numbers.windows(2).find(|pair| pair[0] == pair[1]);
    rule.ensure(repeated.is_none(), || format!("more than one got a packet: {repeated:?}"))?;
    rule.ensure(numbers.len() as u64 == count, || {
        format!("{} of {count} packets arrived", numbers.len())
    })
}
