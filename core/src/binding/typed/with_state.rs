//! Bindings to the subject of a contract, whose handlers share a state.

use std::{error::Error as StdError, fmt, marker::PhantomData};

use crate::{
    BindingWithState, Decode, Encode, Encoder, HandlerOutput, Message, NoReply, StateHandler,
    Worker,
};

/// A [`TypedBinding`](super::TypedBinding) whose handlers share a state.
#[must_use = "a dropped binding unbinds: give `serve` or `to` a function"]
pub struct TypedBindingWithState<E, S, In, Out = NoReply> {
    binding: BindingWithState<E, S>,
    types: PhantomData<fn(In) -> Out>,
}

impl<E, S, In, Out> TypedBindingWithState<E, S, In, Out> {
    pub(super) fn new(binding: BindingWithState<E, S>) -> Self {
        Self { binding, types: PhantomData }
    }
}

impl<E, S, In, Out> TypedBindingWithState<E, S, In, Out>
where
    E: Decode<In> + Encode<Out>,
    S: Send + Sync + 'static,
    In: Send + 'static,
    Out: Send + 'static,
{
    /// Runs a function on the state and the value of each request, and replies with the value that
    /// it returns.
    pub fn serve<X, M, F>(self, function: F) -> Worker
    where
        X: Into<Box<dyn StdError + Send + Sync>> + Send + 'static,
        M: 'static,
        F: StateHandler<S, (In,), M, Output = Result<Out, X>>,
    {
        self.binding.serve(function)
    }

    /// Like [`serve`](Self::serve), for a function that also takes the message.
    pub fn serve_with<X, M, F>(self, function: F) -> Worker
    where
        X: Into<Box<dyn StdError + Send + Sync>> + Send + 'static,
        M: 'static,
        F: StateHandler<S, (In, Message<E>), M, Output = Result<Out, X>>,
    {
        self.binding.serve_with(function)
    }
}

impl<E, S, In> TypedBindingWithState<E, S, In>
where
    E: Decode<In>,
    S: Send + Sync + 'static,
    In: Send + 'static,
{
    /// Runs a function on the state and the value of each event.
    pub fn to<M, F>(self, function: F) -> Worker
    where
        M: 'static,
        F: StateHandler<S, (In,), M, Output: HandlerOutput>,
    {
        self.binding.values_to(function)
    }
}

impl<E: Encoder, S, In, Out> fmt::Debug for TypedBindingWithState<E, S, In, Out> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TypedBindingWithState").field(&self.binding).finish()
    }
}
