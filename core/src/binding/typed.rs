//! Bindings to the subject of a contract.

mod with_state;

use std::{any, error::Error as StdError, fmt, marker::PhantomData, sync::Arc};

pub use self::with_state::TypedBindingWithState;
use super::Binding;
use crate::{
    Contract, Decode, Encode, Encoder, Error, Failure, HandlerOutput, Message, NoReply, Subject,
    Worker, driver::Types, layer::Layer,
};

/// What a conduit can [bind](crate::Conduit::bind) to: a subject, as text or as a [`Subject`], or a
/// [`Contract`]. It is implemented for all that converts into a [`Subject`].
pub trait BindTo<E>: Send {
    /// The binding: [`Binding`] for a subject, [`TypedBinding`] for a contract.
    type Binding;

    /// Returns the subject.
    ///
    /// # Errors
    /// `InvalidName`.
    fn subject(self) -> Result<Subject, Error>;

    /// Turns a binding to the subject into one with the types of a contract.
    fn with_types(binding: Binding<E>) -> Self::Binding;

    /// Returns the names of the types, for descriptions of the binding.
    #[doc(hidden)]
    #[must_use]
    fn types() -> Option<Types> {
        None
    }
}

impl<S, E> BindTo<E> for S
where
    S: TryInto<Subject> + Send,
    Error: From<S::Error>,
{
    type Binding = Binding<E>;

    fn subject(self) -> Result<Subject, Error> {
        Ok(self.try_into()?)
    }

    fn with_types(binding: Binding<E>) -> Binding<E> {
        binding
    }
}

impl<E, In, Out> BindTo<E> for &Contract<In, Out> {
    type Binding = TypedBinding<E, In, Out>;

    fn subject(self) -> Result<Subject, Error> {
        Ok(Subject::new(Contract::subject(self))?)
    }

    fn with_types(binding: Binding<E>) -> TypedBinding<E, In, Out> {
        TypedBinding { binding, types: PhantomData }
    }

    fn types() -> Option<Types> {
        let (takes, replies) = (any::type_name::<In>(), any::type_name::<Out>());
        let has_reply = replies != any::type_name::<NoReply>();
        Some(Types { takes, replies: has_reply.then_some(replies) })
    }
}

/// A [`Binding`] to the subject of a [`Contract`]: its handlers take and return values of the types
/// of the contract.
///
/// Dropping it unbinds.
#[must_use = "a dropped binding unbinds: give `serve` or `to` a function"]
pub struct TypedBinding<E, In, Out = NoReply> {
    binding: Binding<E>,
    types: PhantomData<fn(In) -> Out>,
}

impl<E: Encoder, In, Out> TypedBinding<E, In, Out> {
    /// Returns the binding without the types, whose messages can be read in a loop.
    pub fn untyped(self) -> Binding<E> {
        self.binding
    }

    /// Sets how many handlers may run concurrently, as [`Binding::concurrency`] does.
    pub fn concurrency(self, handlers: usize) -> Self {
        self.map(|binding| binding.concurrency(handlers))
    }

    /// Turns errors of the handlers into [`Failure`]s, as [`Binding::map_failure`] does.
    pub fn map_failure(
        self,
        map: impl Fn(&(dyn StdError + 'static)) -> Option<Failure> + Send + Sync + 'static,
    ) -> Self {
        self.map(|binding| binding.map_failure(map))
    }

    /// Unbinds when a future completes, as [`Binding::until`] does.
    pub fn until(self, done: impl Future<Output = ()> + Send + 'static) -> Self {
        self.map(|binding| binding.until(done))
    }

    /// Gives the handlers a state that they share, as [`Binding::with`] does.
    pub fn with<S: Send + Sync + 'static>(
        self,
        state: Arc<S>,
    ) -> TypedBindingWithState<E, S, In, Out> {
        TypedBindingWithState::new(self.binding.with(state))
    }

    /// Adds a layer, as [`Binding::layer`] does.
    pub fn layer(self, layer: impl Layer) -> Self {
        self.map(|binding| binding.layer(layer))
    }

    fn map(self, change: impl FnOnce(Binding<E>) -> Binding<E>) -> Self {
        Self { binding: change(self.binding), types: PhantomData }
    }
}

impl<E, In, Out> TypedBinding<E, In, Out>
where
    E: Decode<In> + Encode<Out>,
    In: Send + 'static,
    Out: Send + 'static,
{
    /// Runs a function on the value of each request, and replies with the value that it returns, as
    /// [`Binding::serve`] does.
    pub fn serve<X, F, R>(self, function: F) -> Worker
    where
        X: Into<Box<dyn StdError + Send + Sync>> + Send + 'static,
        F: Fn(In) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Out, X>> + Send + 'static,
    {
        self.binding.serve(function)
    }

    /// Like [`serve`](Self::serve), for a function that also takes the message, as
    /// [`Binding::serve_with`] does.
    pub fn serve_with<X, F, R>(self, function: F) -> Worker
    where
        X: Into<Box<dyn StdError + Send + Sync>> + Send + 'static,
        F: Fn(In, Message<E>) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Out, X>> + Send + 'static,
    {
        self.binding.serve_with(function)
    }
}

impl<E, In> TypedBinding<E, In>
where
    E: Decode<In>,
    In: Send + 'static,
{
    /// Runs a function on the value of each event, one after the other or
    /// [concurrently](Self::concurrency). It may return `()` or a `Result`.
    ///
    /// As with [`Binding::to`], a message that cannot be decoded, an `Err` or a panic is logged, and
    /// does not end the binding.
    pub fn to<F, R>(self, function: F) -> Worker
    where
        F: Fn(In) -> R + Send + Sync + 'static,
        R: Future<Output: HandlerOutput> + Send + 'static,
    {
        self.binding.values_to(function)
    }
}

impl<E: Encoder, In, Out> fmt::Debug for TypedBinding<E, In, Out> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TypedBinding").field(&self.binding).finish()
    }
}
