use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use async_compat::Compat;
use async_nats::{Message, Subscriber};
use conduit::{
    logging::OneLine,
    transport::{self, Packet, TransportError, TransportErrorKind},
};
use conduit_kit::News;
use futures_core::Stream;

use crate::{
    is_notice,
    link::{Link, ended},
    subject::{self, Arrival},
};

/// The packets of one subscription of a [`Nats`](crate::Nats) transport.
///
/// Dropping it unsubscribes, inside a tokio runtime or outside.
pub struct Subscription {
    /// In `Compat`, since async-nats spawns a task where the queue of commands is full when a
    /// subscriber is dropped. `None` once the stream has ended.
    subscriber: Option<Compat<Subscriber>>,
    decode: fn(Message) -> Option<Packet>,
    link: Arc<Link>,
    news: News,
    left: bool,
}

impl Subscription {
    pub(crate) fn to_inbox(subscriber: Subscriber, link: Arc<Link>) -> Self {
        Self::new(subscriber, link, from_inbox)
    }

    pub(crate) fn to_subject(subscriber: Subscriber, link: Arc<Link>) -> Self {
        Self::new(subscriber, link, |message| Some(Packet::Data(message.payload)))
    }

    fn new(subscriber: Subscriber, link: Arc<Link>, decode: fn(Message) -> Option<Packet>) -> Self {
        let subscriber = Some(Compat::new(subscriber));
        Self { subscriber, decode, link, news: News::default(), left: false }
    }

    fn poll_message(&mut self, cx: &mut Context<'_>) -> Poll<Option<Message>> {
        let Some(subscriber) = &mut self.subscriber else {
            return Poll::Ready(None);
        };
        if !self.link.closing.is_closed() {
            if let Poll::Ready(message) = Pin::new(subscriber.get_mut()).poll_next(cx) {
                return Poll::Ready(message);
            }
            ready!(self.news.poll_closed(&self.link.closing, cx));
        }
        self.subscriber = None;
        Poll::Ready(None)
    }
}

impl Stream for Subscription {
    type Item = Packet;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Packet>> {
        loop {
            let Some(message) = ready!(self.poll_message(cx)) else {
                return Poll::Ready(None);
            };
            if let Some(packet) = (self.decode)(message) {
                return Poll::Ready(Some(packet));
            }
        }
    }
}

impl transport::Subscription for Subscription {
    /// Leaves without losing what the broker has routed here; see the trait for the contract.
    ///
    /// It may be dropped and called again. Once it was called, the stream ends only after it has
    /// returned.
    async fn leave(&mut self) -> Result<(), TransportError> {
        let Some(subscriber) = self.subscriber.as_mut().filter(|_| !self.left) else {
            return Ok(());
        };
        let subscriber = subscriber.get_mut();
        let link = &self.link;
        let routed = link.closing.unless_closed(leave_server(subscriber, link)).await;
        match &routed {
            Ok(()) => link.closing.unless_closed(end(subscriber)).await?,
            Err(error) if error.kind() == TransportErrorKind::Closed => {}
            // This closes the channel, and async-nats doesn't subscribe anew for a closed one.
            Err(_) => {
                let _ = link.closing.unless_closed(forget(subscriber)).await;
            }
        }
        self.left = true;
        routed
    }
}

/// Makes the server stop, while the client still takes what is under way.
///
/// Unsubscribing makes async-nats throw away what arrives from then on, and its drain waits for one
/// poll of the connection, which may come before the server has read the UNSUB. An unsubscribe
/// after so many messages keeps the client's side open until they have come. The server reads this
/// number as negative (it takes nine digits, or where it takes more they wrap around), and a
/// maximum that isn't positive ends its side at once. What it routed before is ahead of the mark.
async fn leave_server(subscriber: &mut Subscriber, link: &Link) -> Result<(), TransportError> {
    if !link.is_connected() {
        return Err(TransportErrorKind::Disconnected.into());
    }
    subscriber.unsubscribe_after(u64::MAX).await.map_err(ended)?;
    link.round_trip().await.map(drop)
}

/// Ends the client's side: the stream ends behind what has arrived. Should a server ever count to
/// that number after all, it is a drain that stops it.
async fn end(subscriber: &mut Subscriber) -> Result<(), TransportError> {
    subscriber.drain().await.map_err(ended)
}

async fn forget(subscriber: &mut Subscriber) -> Result<(), TransportError> {
    subscriber.unsubscribe().await.map_err(ended)
}

fn from_inbox(message: Message) -> Option<Packet> {
    match subject::arrival(&message.subject) {
        Arrival::Packet => Some(Packet::Data(message.payload)),
        Arrival::Notice(token) if is_notice(&message) => Some(Packet::Undelivered(token)),
        Arrival::Notice(_) | Arrival::Unknown => {
            let subject = OneLine(&message.subject);
            tracing::debug!(target: "conduit_nats", %subject, "ignored what is no packet");
            None
        }
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription").field("left", &self.left).finish_non_exhaustive()
    }
}
