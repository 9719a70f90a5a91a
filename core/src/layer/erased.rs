//! Layers without their types.

use std::{fmt, future::Future, panic::AssertUnwindSafe, pin::Pin, sync::Arc};

use futures_lite::FutureExt;

use super::{
    Arriving, InboundCall, InboundNext, InboundOutcome, Layer, Next, OutboundCall, Outcome,
    Refusal, next::Path,
};
use crate::accept::{Accept, Gate};

/// A future without its type.
pub(crate) type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A [`Layer`] that is an object: its futures are boxed.
pub(crate) trait DynLayer: Accept {
    /// Like `outbound`, for the outermost layer, whose future owns the path.
    fn outermost(self: Arc<Self>, call: OutboundCall, path: Path) -> Boxed<'static, Outcome>;

    fn outbound<'a>(&'a self, call: OutboundCall, next: Next<'a>) -> Boxed<'a, Outcome>;

    fn inbound<'a>(&'a self, call: InboundCall, next: InboundNext<'a>)
    -> Boxed<'a, InboundOutcome>;
}

impl<L: Layer> Accept for L {
    fn accept(&self, arriving: &mut Arriving<'_>) -> Result<(), Refusal> {
        Layer::accept(self, arriving)
    }
}

impl<L: Layer> DynLayer for L {
    fn outermost(self: Arc<Self>, call: OutboundCall, path: Path) -> Boxed<'static, Outcome> {
        Box::pin(async move {
            let passing = Layer::outbound(&*self, call, path.within());
            path.end(AssertUnwindSafe(passing).catch_unwind().await)
        })
    }

    fn outbound<'a>(&'a self, call: OutboundCall, next: Next<'a>) -> Boxed<'a, Outcome> {
        Box::pin(Layer::outbound(self, call, next))
    }

    fn inbound<'a>(
        &'a self,
        call: InboundCall,
        next: InboundNext<'a>,
    ) -> Boxed<'a, InboundOutcome> {
        Box::pin(Layer::inbound(self, call, next))
    }
}

/// A list of layers, the outermost first.
#[derive(Clone, Default)]
pub(crate) struct Layers(Vec<Arc<dyn DynLayer>>);

/// The layers around what a client sends, or around the messages of a binding: those of the conduit,
/// and its own. Clones share them; without any it is empty.
#[derive(Clone, Default)]
pub(crate) struct Around(Option<Arc<Lists>>);

#[derive(Clone, Default)]
struct Lists {
    conduit: Layers,
    own: Layers,
}

impl Layers {
    /// Adds a layer within the others.
    pub(crate) fn push(&mut self, layer: impl Layer) {
        self.0.push(Arc::new(layer));
    }

    /// Returns what is asked when a message arrives.
    pub(crate) fn gate(&self) -> Gate {
        Gate::new(self.0.iter().map(|layer| Arc::clone(layer) as Arc<dyn Accept>))
    }
}

impl Around {
    /// Returns the layers of a conduit.
    pub(crate) fn new(conduit: Layers) -> Self {
        let own = Layers::default();
        Self((!conduit.0.is_empty()).then(|| Arc::new(Lists { conduit, own })))
    }

    /// Adds an own layer within the others.
    pub(crate) fn push(&mut self, layer: impl Layer) {
        Arc::make_mut(self.0.get_or_insert_default()).own.push(layer);
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Returns those of the conduit alone.
    pub(crate) fn of_conduit(&self) -> Self {
        match &self.0 {
            Some(lists) if !lists.own.0.is_empty() => Self::new(lists.conduit.clone()),
            _ => self.clone(),
        }
    }

    pub(super) fn conduit(&self) -> &[Arc<dyn DynLayer>] {
        self.0.as_ref().map_or(&[], |lists| &lists.conduit.0)
    }

    pub(super) fn own(&self) -> &[Arc<dyn DynLayer>] {
        self.0.as_ref().map_or(&[], |lists| &lists.own.0)
    }

    /// Returns what the own layers are asked when a message arrives.
    pub(crate) fn own_gate(&self) -> Gate {
        self.0.as_ref().map_or_else(Gate::default, |lists| lists.own.gate())
    }
}

impl fmt::Debug for Around {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.conduit().len() + self.own().len();
        f.debug_struct("Around").field("layers", &count).finish()
    }
}
