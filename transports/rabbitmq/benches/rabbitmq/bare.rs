//! What a program does that uses lapin alone.

use std::collections::VecDeque;

use futures_lite::StreamExt;
use lapin::{
    BasicProperties, Channel, Connection, ConnectionProperties, Consumer, ExchangeKind,
    PublisherConfirm, Result,
    options::{
        BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, BasicQosOptions,
        ConfirmSelectOptions, ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions,
    },
    types::FieldTable,
};

const EXCHANGE: &str = "bare";

/// How many packets a member of a group may hold, as with Conduit.
const PREFETCH: u16 = 16;

/// How many packets may wait to be confirmed, as with Conduit.
const MOST_UNCONFIRMED: usize = 1 << 11;

/// Whether the server confirms what is published.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Confirms {
    Yes,
    No,
}

/// A connection with a channel that publishes.
pub(crate) struct Bare {
    connection: Connection,
    channel: Channel,
}

/// Publishes to one key.
pub(crate) struct Publisher {
    channel: Channel,
    key: &'static str,
    /// A packet without a receiver comes back.
    mandatory: bool,
    unconfirmed: VecDeque<PublisherConfirm>,
}

/// Receives from one queue.
pub(crate) struct Receiver {
    /// It ends with its last channel.
    _channel: Channel,
    consumer: Consumer,
    acknowledges: bool,
}

impl Bare {
    pub(crate) async fn connect(url: &str, confirms: Confirms) -> Result<Self> {
        let connection = Connection::connect(url, ConnectionProperties::default()).await?;
        let channel = connection.create_channel().await?;
        let (kind, options) = (ExchangeKind::Topic, ExchangeDeclareOptions::default());
        let options = ExchangeDeclareOptions { durable: true, ..options };
        channel.exchange_declare(EXCHANGE.into(), kind, options, FieldTable::default()).await?;
        if confirms == Confirms::Yes {
            channel.confirm_select(ConfirmSelectOptions::default()).await?;
        }
        Ok(Self { connection, channel })
    }

    pub(crate) fn publisher(&self, key: &'static str, mandatory: bool) -> Publisher {
        let channel = self.channel.clone();
        Publisher { channel, key, mandatory, unconfirmed: VecDeque::new() }
    }

    /// A queue of one's own, which needs no acknowledgement.
    pub(crate) async fn subscribe(&self, key: &'static str) -> Result<Receiver> {
        let exclusive = QueueDeclareOptions { exclusive: true, ..Default::default() };
        self.consume("", key, exclusive).await
    }

    /// A queue of a group.
    pub(crate) async fn join(&self, key: &'static str) -> Result<Receiver> {
        let options =
            QueueDeclareOptions { durable: true, auto_delete: true, ..Default::default() };
        self.consume(key, key, options).await
    }

    async fn consume(
        &self,
        queue: &str,
        key: &'static str,
        options: QueueDeclareOptions,
    ) -> Result<Receiver> {
        let channel = self.connection.create_channel().await?;
        let table = FieldTable::default;
        let queue = channel.queue_declare(queue.into(), options, table()).await?.name().clone();
        let (exchange, bind) = (EXCHANGE.into(), QueueBindOptions::default());
        channel.queue_bind(queue.clone(), exchange, key.into(), bind, table()).await?;
        let acknowledges = !options.exclusive;
        if acknowledges {
            channel.basic_qos(PREFETCH, BasicQosOptions::default()).await?;
        }
        let consume = BasicConsumeOptions { no_ack: !acknowledges, ..Default::default() };
        let consumer = channel.basic_consume(queue, "".into(), consume, table()).await?;
        Ok(Receiver { _channel: channel, consumer, acknowledges })
    }
}

impl Publisher {
    /// Publishes a packet, and waits for what was published long before.
    pub(crate) async fn publish(&mut self, packet: &[u8]) {
        let confirmed = self.send(packet).await;
        self.unconfirmed.push_back(confirmed);
        if self.unconfirmed.len() > MOST_UNCONFIRMED {
            self.confirm_first().await;
        }
    }

    /// Publishes a packet, and returns what waits for its confirmation.
    pub(crate) async fn send(&self, packet: &[u8]) -> PublisherConfirm {
        let options = BasicPublishOptions { mandatory: self.mandatory, immediate: false };
        let (exchange, key) = (EXCHANGE.into(), self.key.into());
        let properties = BasicProperties::default();
        let published = self.channel.basic_publish(exchange, key, options, packet, properties);
        published.await.expect("published")
    }

    /// Waits until all is confirmed.
    pub(crate) async fn flush(&mut self) {
        while !self.unconfirmed.is_empty() {
            self.confirm_first().await;
        }
    }

    async fn confirm_first(&mut self) {
        if let Some(first) = self.unconfirmed.pop_front() {
            assert!(!first.await.expect("a connection").is_nack());
        }
    }
}

impl Receiver {
    /// The next packet.
    pub(crate) async fn next(&mut self) -> Vec<u8> {
        let packet = self.consumer.next().await.expect("a packet").expect("a connection");
        if self.acknowledges {
            packet.acker.ack(BasicAckOptions::default()).await.expect("a connection");
        }
        packet.data
    }
}
