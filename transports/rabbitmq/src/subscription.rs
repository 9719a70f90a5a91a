use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use conduit::transport::{self, Address, Packet, TransportError, TransportErrorKind};
use conduit_kit::News;
use futures_core::Stream;

use crate::{
    link::{Link, failed},
    state::{Answer, Queue, Ticket},
};

/// The packets of one subscription of a [`RabbitMq`](crate::RabbitMq) transport.
///
/// Dropping it unsubscribes.
pub struct Subscription {
    ticket: Ticket,
    link: Arc<Link>,
    news: News,
    /// It has been left.
    left: bool,
}

impl Subscription {
    /// Subscribes, as soon as there is a connection.
    ///
    /// # Errors
    /// `Denied`, `Closed`, or `Other`.
    pub(crate) async fn make(link: &Arc<Link>, at: &Address) -> Result<Self, TransportError> {
        let Some(route) = link.root.route(at) else {
            let why = "a subscription has one target";
            return Err(TransportError::new(TransportErrorKind::Other, why));
        };
        link.exchange().await?;
        let (name, queue) = (Arc::clone(&route.name), Arc::new(Queue::new(link.max_waiting)));
        let (ticket, waiting) = link.shared.driven.with(|state| state.subscribe(route, queue));
        // From here on, dropping it unsubscribes.
        let subscription =
            Self { ticket, link: Arc::clone(link), news: News::default(), left: false };
        match waiting.answer().await {
            Some(Ok(())) => Ok(subscription),
            Some(Err(fault)) => Err(failed("subscribe to", &name, &fault)),
            None => Err(link.shared.driven.gone()),
        }
    }
}

impl Stream for Subscription {
    type Item = Packet;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Packet>> {
        let this = &mut *self;
        if this.news.poll_closed(&this.link.closing, cx).is_ready() {
            this.ticket.queue.clear();
            return Poll::Ready(None);
        }
        let Some((packet, tag)) = ready!(this.ticket.queue.poll_pop(cx)) else {
            return Poll::Ready(None);
        };
        if let Some(tag) = tag {
            this.link.shared.driven.with(|state| state.acknowledge(&this.ticket, tag));
        }
        Poll::Ready(Some(packet))
    }
}

impl transport::Subscription for Subscription {
    /// Leaves without losing what the server has routed here; see the trait for the contract.
    ///
    /// It may be dropped and called again.
    async fn leave(&mut self) -> Result<(), TransportError> {
        if self.left {
            return Ok(());
        }
        let (link, ticket) = (&self.link, &self.ticket);
        let (answer, waiting) = Answer::new();
        let leaving = async {
            // What was published here before is routed here; it may still be on its way to the server.
            let _ = link.shared.confirmed().await;
            if !link.shared.driven.with(|state| state.leave(ticket, answer)) {
                return Err(link.shared.driven.gone());
            }
            match waiting.answer().await {
                Some(_) => Ok(()),
                None => Err(link.shared.driven.gone()),
            }
        };
        let left = link.closing.unless_closed(leaving).await;
        self.left = true;
        left
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let ticket = &self.ticket;
        self.link.shared.driven.with(|state| state.forget(ticket));
        ticket.queue.clear();
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription").field("left", &self.left).finish_non_exhaustive()
    }
}
