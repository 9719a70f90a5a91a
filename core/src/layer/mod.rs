//! Layers: what happens around every message of a conduit.
//!
//! A [`Layer`] sees the messages that leave ([`outbound`](Layer::outbound)), those that arrive
//! ([`accept`](Layer::accept)), and the handlers that run ([`inbound`](Layer::inbound)): headers,
//! bodies, deadlines, outcomes. It is added with [`Builder::layer`](crate::Builder::layer) to a
//! conduit, with [`Client::layer`](crate::Client::layer) to one client, or with
//! [`Binding::layer`](crate::Binding::layer) to one binding. `conduit-layers` has layers for retries,
//! limits, timeouts, circuit breakers and tests.
//!
//! # Order
//! The layers of a list run in the order in which they were added: the first is the outermost.
//!
//! | what | passes the layers of |
//! | --- | --- |
//! | a send, a request, a request to all | the conduit, then the client |
//! | a message that arrives; its handler | the conduit, then the binding |
//! | a reply | the binding, then the conduit |
//!
//! What a handler sends through [`Message::service`](crate::Message::service) passes the layers of
//! the conduit, not those of its binding. It has the [extensions](Extensions) of the message, and
//! names it as its [cause](OutboundCall::cause).
//!
//! # Who owns what
//! - A call is a value, [`OutboundCall`] or [`InboundCall`], that passes from layer to layer.
//! - `next` borrows the rest of the layers. Dropping a call drops `next` and what it was doing: a
//!   request is cancelled, a handler is dropped.
//! - The [`Outcome`] comes back the other way. What outlives the call, the body of a reply, tells its
//!   end to the closures of [`Outcome::on_end`].
//! - Time is the runtime's: [`Clock`] is how layers read it and wait, so that they run under virtual
//!   time too.
//!
//! A panic in a layer is a failure of that call. It ends neither the conduit nor a binding.
//!
//! # Cost
//! A layer costs one box for each call that it is around; a method that it does not have costs nothing,
//! and a conduit without layers has no boxes.

mod call;
mod defaults;
mod ending;
mod erased;
mod handler;
mod inbound;
mod next;
mod outcome;

use std::future::Future;

use self::ending::Ending;
pub(crate) use self::{
    call::{Call, Context, Options, To},
    erased::{Around, Boxed, Layers},
    handler::{Handler, inbound},
    inbound::Handled,
    next::{Begun, outbound},
    outcome::{Done, Progress},
};
pub use self::{
    call::{CallKind, OutboundCall},
    ending::End,
    handler::InboundNext,
    inbound::{InboundCall, InboundOutcome, Incoming},
    next::Next,
    outcome::{Outcome, ReplyHead},
};
pub use crate::accept::{Arriving, Clock, Extensions, Refusal};

/// What happens around messages. Each method has a default that changes nothing.
///
/// ```
/// use std::sync::{
///     Arc,
///     atomic::{AtomicU64, Ordering::Relaxed},
/// };
///
/// use conduit::{
///     Conduit, Error,
///     layer::{Arriving, Layer, Next, OutboundCall, Outcome, Refusal},
/// };
/// use conduit_json::Json;
/// use conduit_memory::Memory;
/// use conduit_smol::Smol;
///
/// /// Lets only calls in that know the key, counts them, and adds the key to those that go out.
/// struct Key(&'static str, Arc<AtomicU64>);
///
/// impl Layer for Key {
///     async fn outbound(&self, mut call: OutboundCall, next: Next<'_>) -> Outcome {
///         if let Err(error) = call.headers_mut().add("key", self.0) {
///             return Outcome::from(Error::from(error));
///         }
///         next.run(call).await
///     }
///
///     fn accept(&self, arriving: &mut Arriving<'_>) -> Result<(), Refusal> {
///         if arriving.headers().get("key") != Some(self.0) {
///             return Err(Refusal::refused("the key is wrong"));
///         }
///         self.1.fetch_add(1, Relaxed);
///         Ok(())
///     }
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # smol::block_on(async {
/// let (broker, count) = (Memory::new(), Arc::<AtomicU64>::default());
/// let builder = Conduit::builder("shop").runtime(Smol).transport(broker.clone()).encoder(Json);
/// let shop = builder.layer(Key("s3cret", Arc::clone(&count))).build()?;
/// shop.queue_bind("price").await?.serve(async |item: String| Ok::<_, Error>(item.len()));
///
/// let price = shop.own_service().request("price", "tea").await?;
/// assert_eq!(price.decode::<usize>().await?, 3);
///
/// let stranger = Conduit::new("stranger", Smol, broker, Json)?;
/// let error = stranger.service("shop").request("price", "tea").await.expect_err("it has no key");
/// assert!(error.to_string().ends_with("the receiver refused it: the key is wrong"));
/// assert_eq!(count.load(Relaxed), 1);
/// # Ok(())
/// # })
/// # }
/// ```
pub trait Layer: Send + Sync + 'static {
    /// Runs around what leaves: a send, a request, a reply, and once around the whole of a request
    /// to all.
    ///
    /// `next` passes the call on. It may be called not at all, and the layer returns an outcome of
    /// its own; once; or again, if [`OutboundCall::try_clone`] copies the call, because its body is
    /// in memory. Each try is a message with an id of its own.
    ///
    /// A call that cannot be made passes no layer: its name or its header is not valid, or its value
    /// cannot be encoded.
    ///
    /// Dropped at an await point if the caller drops its future.
    fn outbound(&self, call: OutboundCall, next: Next<'_>) -> impl Future<Output = Outcome> + Send {
        defaults::outbound(self, call, next)
    }

    /// Looks at a message that arrives, before it waits for anything: the message is not yet in the
    /// queue of its binding, and no byte of a streamed body was asked for. May attach
    /// [extensions](Arriving::extensions_mut), or refuse it.
    ///
    /// A message with several bindings is looked at once for each of them. It runs in the task that
    /// receives packets, so it must not block, nor bind or unbind.
    ///
    /// # Errors
    /// A [`Refusal`]. The sender of a request or of a streamed body is told, and no handler was
    /// executed here. A one-way message is dropped and
    /// [counted](crate::Stats::refused_messages).
    fn accept(&self, arriving: &mut Arriving<'_>) -> Result<(), Refusal> {
        let _ = arriving;
        Ok(())
    }

    /// Runs around a handler: the function of [`to`](crate::Binding::to),
    /// [`serve`](crate::Binding::serve) or [`serve_with`](crate::Binding::serve_with), with decoding
    /// and the reply.
    ///
    /// `next` runs it, at most once. A layer that does not call it refuses the message, with a
    /// [`Refusal`] or an error of its own. The message counts as executed from when the function is
    /// called.
    ///
    /// Dropped at an await point if the asker no longer needs the reply, or the conduit closes.
    fn inbound(
        &self,
        call: InboundCall,
        next: InboundNext<'_>,
    ) -> impl Future<Output = InboundOutcome> + Send {
        defaults::inbound(self, call, next)
    }
}
