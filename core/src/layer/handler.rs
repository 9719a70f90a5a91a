//! The way of a message through the layers, to its handler.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use super::{Around, InboundCall, InboundOutcome, erased::nth};

/// The rest of the way of a message: the layers within, and then its handler. It can be run once.
///
/// ```
/// use conduit::{
///     Failure,
///     layer::{InboundCall, InboundNext, InboundOutcome, Layer},
/// };
///
/// /// Whom the message is from. Its handler, and what that sends for it, find it in the extensions.
/// struct User(String);
///
/// struct Login;
///
/// impl Layer for Login {
///     async fn inbound(&self, mut call: InboundCall, next: InboundNext<'_>) -> InboundOutcome {
///         let Some(user) = call.incoming().headers().get("user").map(str::to_owned) else {
///             return InboundOutcome::failed(Failure::new("login", "who are you?"));
///         };
///         call.extensions_mut().insert(User(user));
///         next.run(call).await
///     }
/// }
/// ```
pub struct InboundNext<'a> {
    around: &'a Around,
    /// How many layers were passed.
    passed: usize,
    handler: &'a mut dyn Handler,
}

/// The handler of one message.
pub(crate) trait Handler: Send {
    /// Polls it. It is called at the first poll, with the call, which it takes.
    fn poll(
        &mut self,
        call: &mut Option<InboundCall>,
        cx: &mut Context<'_>,
    ) -> Poll<InboundOutcome>;

    /// Drops what it was doing.
    fn stop(&mut self);
}

/// A handler in progress.
struct Running<'a> {
    handler: &'a mut dyn Handler,
    call: Option<InboundCall>,
}

impl<'a> InboundNext<'a> {
    /// Passes the message on, when the future is polled. Dropping the future drops the handler.
    pub fn run(self, call: InboundCall) -> impl Future<Output = InboundOutcome> + Send + use<'a> {
        let Self { around, passed, handler } = self;
        async move {
            match nth(around.inbound(), passed) {
                Some(layer) => {
                    layer.inbound(call, InboundNext { around, passed: passed + 1, handler }).await
                }
                None => Running { handler, call: Some(call) }.await,
            }
        }
    }
}

impl Future for Running<'_> {
    type Output = InboundOutcome;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<InboundOutcome> {
        let Self { handler, call } = self.get_mut();
        handler.poll(call, cx)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.handler.stop();
    }
}

impl fmt::Debug for InboundNext<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InboundNext").field("passed", &self.passed).finish_non_exhaustive()
    }
}

/// Passes a message through the layers of its conduit, those of its binding, and to its handler.
pub(crate) fn inbound<'a>(
    around: &'a Around,
    handler: &'a mut dyn Handler,
    call: InboundCall,
) -> impl Future<Output = InboundOutcome> + Send + use<'a> {
    InboundNext { around, passed: 0, handler }.run(call)
}
