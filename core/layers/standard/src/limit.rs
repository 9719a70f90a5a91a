use std::{
    fmt,
    sync::{Arc, Mutex},
};

use conduit::{
    ErrorKind, Executed,
    layer::{
        Arriving, CallKind, InboundCall, InboundNext, InboundOutcome, Layer, Next, OutboundCall,
        Outcome, Refusal,
    },
};
use futures_lite::future;

use crate::{
    lock,
    permits::{Permit, Permits},
};

/// Bounds how much is in flight: calls that leave, or messages that arrive.
///
/// A permit of a call is held until the call has ended: until the last byte of a streamed reply was
/// read, or the reply is dropped. A permit of a message is held from its arrival until its handler has
/// ended, also while it waits in its binding; without a handler, until the message is dropped.
///
/// What exceeds the limit fails as [`Overloaded`](conduit::ErrorKind::Overloaded), and was not
/// executed; a message that arrives goes to another member of its group. Clones share the permits.
///
/// ```
/// use conduit::{Conduit, Error};
/// use conduit_json::Json;
/// use conduit_layers::Limit;
/// use conduit_memory::Memory;
/// use conduit_smol::Smol;
///
/// # fn main() -> Result<(), Error> {
/// # smol::block_on(async {
/// let limit = Limit::outbound(8).waiting(100);
/// let builder = Conduit::builder("shop").runtime(Smol).transport(Memory::new()).encoder(Json);
/// let shop = builder.layer(Limit::inbound(64)).build()?;
/// shop.queue_bind("price").await?.serve(async |item: String| Ok::<_, Error>(item.len()));
///
/// let service = shop.own_service().layer(limit.clone());
/// let price = service.request("price", "tea").await?;
/// assert_eq!(price.decode::<usize>().await?, 3);
/// assert_eq!(limit.in_flight(), 0);
/// # Ok(())
/// # })
/// # }
/// ```
#[derive(Clone)]
pub struct Limit {
    permits: Arc<Permits>,
    is_inbound: bool,
}

/// The permits of a message that has arrived, one of each limit that it has passed, until its handler
/// takes them over.
#[derive(Default)]
struct Held(Mutex<Vec<Permit>>);

impl Limit {
    /// Creates a limit of the sends and requests in flight. Replies are not limited.
    #[must_use]
    pub fn outbound(in_flight: usize) -> Self {
        Self { permits: Arc::new(Permits::new(in_flight, 0)), is_inbound: false }
    }

    /// Creates a limit of the messages that wait or are being handled.
    #[must_use]
    pub fn inbound(in_flight: usize) -> Self {
        Self { permits: Arc::new(Permits::new(in_flight, 0)), is_inbound: true }
    }

    /// Sets how many calls may wait for a permit, in order; none by default. Messages that arrive
    /// never wait for one.
    #[must_use]
    pub fn waiting(self, calls: usize) -> Self {
        let permits = Permits::new(self.permits.most(), calls);
        Self { permits: Arc::new(permits), ..self }
    }

    /// Returns how many permits are taken.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.permits.taken()
    }

    fn refusal(&self) -> Refusal {
        Refusal::busy(format!("{} are in flight", self.permits.most()))
    }
}

impl Layer for Limit {
    async fn outbound(&self, call: OutboundCall, next: Next<'_>) -> Outcome {
        if self.is_inbound || call.kind() == CallKind::Reply {
            return next.run(call).await;
        }
        // A request does not wait for longer than it has time.
        let (clock, deadline) = (call.clock().clone(), call.deadline());
        let late = async {
            match deadline {
                Some(at) => clock.sleep_until(at).await,
                None => future::pending().await,
            }
            let text = "it waited for others in flight";
            Err(Outcome::failed(ErrorKind::Deadline, text, Executed::No))
        };
        let permit = async { self.permits.take().await.ok_or_else(|| self.refusal().into()) };
        let permit = match future::or(permit, late).await {
            Ok(permit) => permit,
            Err(outcome) => return outcome,
        };
        let mut outcome = next.run(call).await;
        outcome.on_end(move |_| drop(permit));
        outcome
    }

    fn accept(&self, arriving: &mut Arriving<'_>) -> Result<(), Refusal> {
        if self.is_inbound {
            let permit = self.permits.try_take().ok_or_else(|| self.refusal())?;
            if arriving.extensions().get::<Held>().is_none() {
                arriving.extensions_mut().insert(Held::default());
            }
            if let Some(held) = arriving.extensions().get::<Held>() {
                lock(&held.0).push(permit);
            }
        }
        Ok(())
    }

    async fn inbound(&self, call: InboundCall, next: InboundNext<'_>) -> InboundOutcome {
        // What the handler keeps of the message, or sends for it, does not keep the permit.
        let held = call.incoming().extensions().get::<Held>();
        let _permit = held.and_then(|held| {
            let mut held = lock(&held.0);
            let own = held.iter().position(|permit| permit.is_of(&self.permits))?;
            Some(held.swap_remove(own))
        });
        next.run(call).await
    }
}

impl fmt::Debug for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limit")
            .field("is_inbound", &self.is_inbound)
            .field("most", &self.permits.most())
            .field("most_waiting", &self.permits.most_waiting())
            .field("in_flight", &self.permits.taken())
            .field("waiting", &self.permits.waiting())
            .finish()
    }
}
