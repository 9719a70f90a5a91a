//! Layers without their types.

use std::{any::TypeId, fmt, future::Future, panic::AssertUnwindSafe, pin::Pin, sync::Arc};

use futures_lite::FutureExt;

use super::{
    Arriving, InboundCall, InboundNext, InboundOutcome, Layer, Next, OutboundCall, Outcome,
    Refusal, defaults, next::Path,
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
            // Not a variable: the future would hold it twice.
            path.end(
                AssertUnwindSafe(Layer::outbound(&*self, call, path.within())).catch_unwind().await,
            )
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
///
/// A layer that leaves a method at its default is not in the list of that method: there it costs
/// nothing.
#[derive(Clone, Default)]
pub(crate) struct Layers {
    outbound: Vec<Arc<dyn DynLayer>>,
    inbound: Vec<Arc<dyn DynLayer>>,
    /// All of them: a function that is not async does not tell whether it is the default.
    accept: Vec<Arc<dyn Accept>>,
}

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
    pub(crate) fn push<L: Layer>(&mut self, layer: L) {
        let layer = Arc::new(layer);
        if is_own(L::outbound, defaults::outbound::<L>) {
            self.outbound.push(Arc::clone(&layer) as Arc<dyn DynLayer>);
        }
        if is_own(L::inbound, defaults::inbound::<L>) {
            self.inbound.push(Arc::clone(&layer) as Arc<dyn DynLayer>);
        }
        self.accept.push(layer);
    }

    fn is_empty(&self) -> bool {
        self.accept.is_empty()
    }

    /// Returns what is asked when a message arrives.
    pub(crate) fn gate(&self) -> Gate {
        Gate::new(self.accept.iter().map(Arc::clone))
    }
}

/// Returns a layer of an outer and an inner list.
#[inline]
pub(super) fn nth(
    [outer, inner]: [&[Arc<dyn DynLayer>]; 2],
    at: usize,
) -> Option<&Arc<dyn DynLayer>> {
    outer.get(at).or_else(|| inner.get(at - outer.len()))
}

/// Returns whether a method of a layer is not the default one, which has a future of a type that
/// nothing else has.
fn is_own<L: Layer, C, N, F: 'static, D: 'static>(
    _: impl FnOnce(&'static L, C, N) -> F,
    _: impl FnOnce(&'static L, C, N) -> D,
) -> bool {
    TypeId::of::<F>() != TypeId::of::<D>()
}

impl Around {
    /// Returns the layers of a conduit.
    pub(crate) fn new(conduit: Layers) -> Self {
        let own = Layers::default();
        Self((!conduit.is_empty()).then(|| Arc::new(Lists { conduit, own })))
    }

    /// Adds an own layer within the others.
    pub(crate) fn push(&mut self, layer: impl Layer) {
        Arc::make_mut(self.0.get_or_insert_default()).own.push(layer);
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Returns whether there are layers around what leaves.
    #[inline]
    pub(crate) fn has_outbound(&self) -> bool {
        !self.is_empty() && self.outbound().into_iter().any(|layers| !layers.is_empty())
    }

    /// Returns whether there are layers around handlers.
    #[inline]
    pub(crate) fn has_inbound(&self) -> bool {
        !self.is_empty() && self.inbound().into_iter().any(|layers| !layers.is_empty())
    }

    /// Returns those of the conduit alone.
    pub(crate) fn of_conduit(&self) -> Self {
        match &self.0 {
            Some(lists) if !lists.own.is_empty() => Self::new(lists.conduit.clone()),
            _ => self.clone(),
        }
    }

    /// Returns those around what leaves: of the conduit, and its own.
    #[inline]
    pub(super) fn outbound(&self) -> [&[Arc<dyn DynLayer>]; 2] {
        self.each(|layers| &layers.outbound)
    }

    /// Returns those around handlers: of the conduit, and its own.
    #[inline]
    pub(super) fn inbound(&self) -> [&[Arc<dyn DynLayer>]; 2] {
        self.each(|layers| &layers.inbound)
    }

    #[inline]
    fn each<'a, T>(&'a self, list: impl Fn(&'a Layers) -> &'a Vec<T>) -> [&'a [T]; 2] {
        match &self.0 {
            Some(lists) => [list(&lists.conduit), list(&lists.own)],
            None => [&[], &[]],
        }
    }

    /// Returns what the own layers are asked when a message arrives.
    pub(crate) fn own_gate(&self) -> Gate {
        self.0.as_ref().map_or_else(Gate::default, |lists| lists.own.gate())
    }
}

impl fmt::Debug for Around {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count: usize = self.each(|layers| &layers.accept).iter().map(|list| list.len()).sum();
        f.debug_struct("Around").field("layers", &count).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own<L: Layer>() -> [bool; 2] {
        [is_own(L::outbound, defaults::outbound::<L>), is_own(L::inbound, defaults::inbound::<L>)]
    }

    struct Neither;

    impl Layer for Neither {}

    struct Outbound;

    impl Layer for Outbound {
        async fn outbound(&self, call: OutboundCall, next: Next<'_>) -> Outcome {
            next.run(call).await
        }
    }

    /// It returns the future of another layer, and its own methods have to run all the same.
    struct Around<L>(L);

    impl<L: Layer> Layer for Around<L> {
        fn outbound(
            &self,
            call: OutboundCall,
            next: Next<'_>,
        ) -> impl Future<Output = Outcome> + Send {
            self.0.outbound(call, next)
        }

        fn inbound(
            &self,
            call: InboundCall,
            next: InboundNext<'_>,
        ) -> impl Future<Output = InboundOutcome> + Send {
            next.run(call)
        }
    }

    #[test]
    fn what_a_layer_leaves_at_its_default_is_known() {
        assert_eq!(own::<Neither>(), [false, false]);
        assert_eq!(own::<Outbound>(), [true, false]);
        assert_eq!(own::<Around<Neither>>(), [true, true]);
        assert_eq!(own::<Around<Outbound>>(), [true, true]);
    }
}
