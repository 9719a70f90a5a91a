//! The way of a call through the layers.

use std::{
    any::Any,
    fmt,
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use super::{
    OutboundCall, Outcome,
    call::{Context, To},
    erased::{Boxed, DynLayer, nth},
};
use crate::{Error, ErrorKind, Executed, error::panic_text};

/// The rest of the way of a call: the layers within, and then the broker.
///
/// It may be run again, if the call can be [copied](OutboundCall::try_clone).
#[derive(Clone, Copy)]
pub struct Next<'a> {
    path: &'a Path,
    /// How many layers were passed.
    passed: usize,
}

/// The layers of a call, and what sends it when it has passed them. The future of the outermost layer
/// owns it.
pub(super) struct Path {
    context: Context,
    send: fn(OutboundCall) -> Begun,
    to: To,
    is_sent: AtomicBool,
}

/// A call that is done, or under way.
pub(crate) enum Begun {
    Done(Outcome),
    Running(Boxed<'static, Outcome>),
}

impl<'a> Next<'a> {
    /// Passes the call on, when the future is polled. Dropping the future cancels the call.
    pub fn run(&self, call: OutboundCall) -> impl Future<Output = Outcome> + Send + use<'a> {
        let Self { path, passed } = *self;
        async move {
            if let Some(layer) = path.layer(passed) {
                return layer.outbound(call, Next { path, passed: passed + 1 }).await;
            }
            path.is_sent.store(true, Ordering::Relaxed);
            match (path.send)(call) {
                Begun::Done(outcome) => outcome,
                Begun::Running(running) => running.await,
            }
        }
    }
}

impl fmt::Debug for Next<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Next").field("passed", &self.passed).finish_non_exhaustive()
    }
}

impl Path {
    #[inline]
    fn layer(&self, at: usize) -> Option<&Arc<dyn DynLayer>> {
        let [conduit, own] = self.context.around()?.outbound();
        // A reply goes out from within.
        let lists = match self.to {
            To::Endpoint(_) => [conduit, own],
            To::Asker(..) => [own, conduit],
        };
        nth(lists, at)
    }

    /// Returns what is within the outermost layer.
    pub(super) fn within(&self) -> Next<'_> {
        Next { path: self, passed: 1 }
    }

    /// Returns what the caller gets: of a panic, a failure.
    #[inline]
    pub(super) fn end(&self, passed: Result<Outcome, Box<dyn Any + Send>>) -> Outcome {
        let mut outcome = passed.unwrap_or_else(|panic| {
            let is_sent = self.is_sent.load(Ordering::Relaxed);
            let executed = if is_sent { Executed::Maybe } else { Executed::No };
            let text = format!("it panicked: {}", panic_text(&*panic));
            Outcome::from(Error::new(ErrorKind::Layer, text).with_executed(executed))
        });
        outcome.is_about(&self.to);
        outcome
    }
}

/// Passes a call through layers, and to what sends it. Without layers it is sent at once.
#[inline]
pub(crate) fn outbound(
    send: fn(OutboundCall) -> Begun,
    call: OutboundCall,
) -> Boxed<'static, Outcome> {
    let is_sent = AtomicBool::new(false);
    let (context, to) = (call.0.context.clone(), call.0.to.clone());
    let path = Path { context, send, to, is_sent };
    match path.layer(0).map(Arc::clone) {
        Some(outermost) => outermost.outermost(call, path),
        None => match send(call) {
            Begun::Done(outcome) => Box::pin(async { outcome }),
            Begun::Running(running) => running,
        },
    }
}
