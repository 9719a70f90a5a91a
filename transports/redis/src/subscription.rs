use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use conduit::transport::{self, Packet, TransportError, TransportErrorKind};
use conduit_kit::{News, Phase};
use futures_core::Stream;

use crate::{
    driver,
    link::{Link, denied},
    names::Name,
    state::{Answer, Member, Queue, State, Ticket},
};

/// The packets of one subscription of a [`Redis`](crate::Redis) transport.
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
    /// `Denied`, or `Closed`.
    pub(crate) async fn make(link: &Arc<Link>, name: Name) -> Result<Self, TransportError> {
        let (channel, member) = match name {
            Name::Channel(channel) => (channel, None),
            Name::Group { plain: Some(_), .. } => {
                let why = "a subscription has one target";
                return Err(TransportError::new(TransportErrorKind::Other, why));
            }
            Name::Group { group, plain: None } => {
                let id = member_id()?;
                (format!("{}{id}", group.member), Some(Member::new(&group, &id)))
            }
        };
        let queue = Arc::new(Queue::new(link.limits.waiting));
        let ticket =
            link.shared.driven.with(|state| state.subscribe(channel.into(), queue, member));
        driver::open(&link.shared);
        link.shared.ask_if_stale();
        // From here on, dropping it unsubscribes.
        let subscription =
            Self { ticket, link: Arc::clone(link), news: News::default(), left: false };
        subscription.confirmed().await?;
        Ok(subscription)
    }

    /// Waits until the server has seen the subscription, on whatever connection.
    async fn confirmed(&self) -> Result<(), TransportError> {
        let (shared, ticket) = (&self.link.shared, &self.ticket);
        let is_made = |state: &State| state.phase_at(ticket);
        loop {
            shared.driven.reached(is_made).await?;
            match shared.round_trip(Some(ticket)).await {
                // Else the server had not the slot.
                Ok(()) if is_made(&shared.driven.lock()) == Phase::Connected => break,
                Ok(()) => {}
                Err(error) if error.kind() == TransportErrorKind::Disconnected => {}
                Err(error) => return Err(error),
            }
        }
        match shared.driven.lock().denied(&self.ticket) {
            Some(error) => Err(denied("subscribe to", &self.ticket.channel, &error)),
            None => Ok(()),
        }
    }
}

/// Another one for each subscription, so that no two members share a channel.
fn member_id() -> Result<String, TransportError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)
        .map_err(|error| TransportError::new(TransportErrorKind::Other, error.to_string()))?;
    Ok(format!("{:032x}", u128::from_be_bytes(bytes)))
}

impl Stream for Subscription {
    type Item = Packet;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Packet>> {
        let this = &mut *self;
        if this.news.poll_closed(&this.link.closing, cx).is_ready() {
            this.ticket.queue.clear();
            return Poll::Ready(None);
        }
        this.ticket.queue.poll_pop(cx)
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
        let (link, ticket) = (&self.link, &mut self.ticket);
        let (answer, waiting) = Answer::new();
        let leaving = async {
            if !link.shared.driven.with(|state| state.leave(ticket, answer)) {
                return Err(link.shared.driven.gone());
            }
            match waiting.answer().await {
                Some(Ok(())) => Ok(()),
                Some(Err(error)) => Err(TransportError::new(TransportErrorKind::Other, error)),
                None => {
                    link.shared.driven.with(|state| state.forget(ticket));
                    Err(link.shared.driven.gone())
                }
            }
        };
        let left = link.closing.unless_closed(leaving).await;
        self.left = true;
        left
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let ticket = &mut self.ticket;
        self.link.shared.driven.with(|state| state.forget(ticket));
        ticket.queue.clear();
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription").field("left", &self.left).finish_non_exhaustive()
    }
}
