//! The function of a worker, and the layers around it.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::{Pin, pin},
    sync::{Arc, Mutex},
    task::{Context, Poll, ready},
};

use futures_lite::{FutureExt, future::CatchUnwind};
use tracing::Span;

use super::{HandlerOutput, sealed::Sealed};
use crate::{
    Encoder, Message,
    driver::{Bound, Shared},
    layer::{self, Around, Boxed, Handled, Handler, InboundCall, InboundOutcome},
    lock::lock,
};

/// The function that a worker runs on its messages.
pub(super) enum Function<F> {
    Bare(F),
    Layered(Arc<Layered<F>>),
}

/// A function with layers, whose futures call it when the layers let a message pass.
pub(super) struct Layered<F> {
    function: Mutex<F>,
    shared: Arc<Shared>,
    bound: Arc<Bound>,
    around: Around,
}

impl<F> Function<F> {
    pub(super) fn new(
        function: F,
        shared: &Arc<Shared>,
        bound: &Arc<Bound>,
        around: &Around,
    ) -> Self {
        if !around.has_inbound() {
            return Self::Bare(function);
        }
        let (shared, bound) = (Arc::clone(shared), Arc::clone(bound));
        let function = Mutex::new(function);
        Self::Layered(Arc::new(Layered { function, shared, bound, around: around.clone() }))
    }

    /// Starts to handle a message. Without layers, the function is called at once.
    pub(super) fn handle<E, R>(&mut self, message: Message<E>) -> Handling<R>
    where
        E: Encoder,
        F: FnMut(Message<E>) -> R + Send + 'static,
        R: Future<Output: HandlerOutput> + Send + 'static,
    {
        match self {
            Self::Bare(function) => call(function, message),
            Self::Layered(layered) => Handling::Layered(Arc::clone(layered).pass_layers(message)),
        }
    }
}

/// A handler in progress.
pub(super) enum Handling<R> {
    // Boxed: the futures around it move it several times, and hold it twice each.
    Running(Pin<Box<CatchUnwind<AssertUnwindSafe<R>>>>, Span),
    Layered(Boxed<'static, Handled>),
    /// The function has panicked before it returned a future.
    Panicked(Option<Panic>),
}

type Panic = Box<dyn Any + Send>;

/// Calls a function in a span.
#[inline]
fn start<E, R>(
    function: &mut impl FnMut(Message<E>) -> R,
    message: Message<E>,
    span: &Span,
) -> Result<R, Panic> {
    catch_unwind(AssertUnwindSafe(|| span.in_scope(|| function(message))))
}

/// Polls the future of a function in a span.
#[inline]
fn poll_within<R: Future<Output: HandlerOutput>>(
    span: &Span,
    running: Pin<&mut CatchUnwind<AssertUnwindSafe<R>>>,
    cx: &mut Context<'_>,
) -> Poll<Handled> {
    let _entered = span.enter();
    Poll::Ready(match ready!(running.poll(cx)) {
        Ok(output) => output.into_error().map_or(Handled::Done, Handled::Failed),
        Err(panic) => Handled::Panicked(panic),
    })
}

/// Calls a function, in the span of the message.
#[inline]
fn call<E, F, R>(function: &mut F, message: Message<E>) -> Handling<R>
where
    E: Encoder,
    F: FnMut(Message<E>) -> R,
    R: Future<Output: HandlerOutput>,
{
    let span = message.span();
    match start(function, message, &span) {
        Ok(running) => Handling::Running(Box::pin(AssertUnwindSafe(running).catch_unwind()), span),
        Err(panic) => Handling::Panicked(Some(panic)),
    }
}

impl<R: Future<Output: HandlerOutput>> Future for Handling<R> {
    type Output = Handled;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Handled> {
        match self.get_mut() {
            Self::Running(running, span) => poll_within(span, running.as_mut(), cx),
            Self::Layered(passing) => passing.as_mut().poll(cx),
            Self::Panicked(panic) => {
                let panic = panic.take().expect("a future is not polled after its end");
                Poll::Ready(Handled::Panicked(panic))
            }
        }
    }
}

impl<F> Layered<F> {
    fn pass_layers<E, R>(self: Arc<Self>, message: Message<E>) -> Boxed<'static, Handled>
    where
        E: Encoder,
        F: FnMut(Message<E>) -> R + Send + 'static,
        R: Future<Output: HandlerOutput> + Send + 'static,
    {
        let inbound = message.inbound_call();
        let mut message = Some(message);
        Box::pin(async move {
            // The message is outside, since the handler would hold it twice.
            let mut handler = OneMessage {
                function: &self.function,
                message: &mut message,
                span: Span::none(),
                running: pin!(None),
            };
            let passed = AssertUnwindSafe(layer::inbound(&self.around, &mut handler, inbound))
                .catch_unwind()
                .await;
            let handled = passed.map_or_else(Handled::Panicked, |outcome| outcome.0);
            if let Some(message) = message {
                self.refuse(&message, &handled);
            }
            handled
        })
    }

    /// Refuses a message that no layer has passed on.
    #[cold]
    fn refuse<E: Encoder>(&self, message: &Message<E>, handled: &Handled) {
        let Handled::Refused(refusal) = handled else {
            // It fails as if its handler had: an asker is told later, the sender of a body now.
            return message.start();
        };
        if self.bound.is_plain() || message.is_one_packet() && !message.is_request() {
            let mailbox = &self.bound.mailbox;
            mailbox.count_refused(message.subject(), message.source(), refusal);
        }
        message.refuse(&self.shared.config.told(refusal.reason().clone()));
    }
}

/// A message that waits for the layers, and then its handler.
struct OneMessage<'a, E, F, R> {
    function: &'a Mutex<F>,
    message: &'a mut Option<Message<E>>,
    span: Span,
    running: Pin<&'a mut Option<CatchUnwind<AssertUnwindSafe<R>>>>,
}

impl<E, F, R> Handler for OneMessage<'_, E, F, R>
where
    E: Encoder,
    F: FnMut(Message<E>) -> R + Send + 'static,
    R: Future<Output: HandlerOutput> + Send + 'static,
{
    fn poll(
        &mut self,
        call: &mut Option<InboundCall>,
        cx: &mut Context<'_>,
    ) -> Poll<InboundOutcome> {
        if let (Some(call), Some(mut message)) = (call.take(), self.message.take()) {
            message.extend(call.into_extensions());
            message.start();
            self.span = message.span();
            match start(&mut *lock(self.function), message, &self.span) {
                Ok(running) => self.running.set(Some(AssertUnwindSafe(running).catch_unwind())),
                Err(panic) => return Poll::Ready(InboundOutcome(Handled::Panicked(panic))),
            }
        }
        let running = self.running.as_mut().as_pin_mut();
        let running = running.expect("a future is not polled after its end");
        poll_within(&self.span, running, cx).map(InboundOutcome)
    }

    fn stop(&mut self) {
        self.running.set(None);
    }
}
