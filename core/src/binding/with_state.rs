//! Handlers that share a state.

use std::{error::Error as StdError, fmt, sync::Arc};

use super::Binding;
use crate::{Decode, Encode, Encoder, HandlerOutput, Message, Worker};

/// A binding whose handlers share a state: see [`Binding::with`].
#[must_use = "a dropped binding unbinds: give `to`, `serve` or `serve_with` a function"]
pub struct BindingWithState<E, S> {
    binding: Binding<E>,
    state: Arc<S>,
}

/// A function that takes a state, and the arguments `A` as a tuple: see [`Binding::with`].
///
/// `M` tells how it takes the state: as `&S` or as `Arc<S>`. The compiler finds it out.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the handler of a binding with the state `{S}`",
    note = "it takes the state as `&{S}` or as `Arc<{S}>`, then {A}, and returns a future that is `Send`",
    note = "an async closure takes the state as `Arc<{S}>`, and the types of its arguments are written"
)]
pub trait StateHandler<S, A, M>: sealed::Call<S, A, M> {}

impl<F: sealed::Call<S, A, M>, S, A, M> StateHandler<S, A, M> for F {}

mod sealed {
    use std::{marker::PhantomData, sync::Arc};

    /// A handler takes the state as an `Arc`.
    #[derive(Debug)]
    pub enum ByArc {}

    /// A handler borrows the state, and its future has the output `O`.
    #[derive(Debug)]
    pub struct ByReference<O>(PhantomData<O>);

    pub trait Call<S, A, M>: Send + Sync + 'static {
        type Output: Send;

        fn call(&self, state: Arc<S>, arguments: A) -> impl Future<Output = Self::Output> + Send;
    }

    /// A function that borrows the state for one lifetime. Only a trait with that lifetime can name
    /// the future, which borrows it too.
    pub trait CallBorrowed<'a, S, A>: Send + Sync + 'static {
        type Output;
        type Future: Future<Output = Self::Output> + Send;

        fn call(&self, state: &'a S, arguments: A) -> Self::Future;
    }

    macro_rules! functions {
        ($($Argument:ident $argument:ident),*) => {
            impl<F, S, R, $($Argument),*> Call<S, ($($Argument,)*), ByArc> for F
            where
                F: Fn(Arc<S>, $($Argument),*) -> R + Send + Sync + 'static,
                R: Future<Output: Send> + Send,
            {
                type Output = R::Output;

                fn call(
                    &self,
                    state: Arc<S>,
                    ($($argument,)*): ($($Argument,)*),
                ) -> impl Future<Output = R::Output> + Send {
                    self(state, $($argument),*)
                }
            }

            impl<'a, F, S, R, $($Argument),*> CallBorrowed<'a, S, ($($Argument,)*)> for F
            where
                S: 'a,
                F: Fn(&'a S, $($Argument),*) -> R + Send + Sync + 'static,
                R: Future + Send,
            {
                type Output = R::Output;
                type Future = R;

                fn call(&self, state: &'a S, ($($argument,)*): ($($Argument,)*)) -> R {
                    self(state, $($argument),*)
                }
            }
        };
    }

    functions!(T value);
    functions!(T value, U message);

    impl<F, S, A, O> Call<S, A, ByReference<O>> for F
    where
        F: for<'a> CallBorrowed<'a, S, A, Output = O>,
        S: Send + Sync,
        A: Send,
        O: Send,
    {
        type Output = O;

        async fn call(&self, state: Arc<S>, arguments: A) -> O {
            CallBorrowed::call(self, &*state, arguments).await
        }
    }
}

impl<E: Encoder> Binding<E> {
    /// Gives the handlers a state that they share.
    ///
    /// A function takes the state before its other arguments: an `async fn` by name as `&S` or as
    /// `Arc<S>`, methods too; an async closure as `Arc<S>`.
    ///
    /// ```
    /// use std::sync::{Arc, Mutex};
    ///
    /// use conduit::{Conduit, Error};
    /// use conduit_json::Json;
    /// use conduit_memory::Memory;
    /// use conduit_smol::Smol;
    ///
    /// #[derive(Default)]
    /// struct Stock(Mutex<u32>);
    ///
    /// impl Stock {
    ///     async fn put(&self, count: u32) -> Result<u32, Error> {
    ///         let mut stock = self.0.lock().expect("no handler panics");
    ///         *stock += count;
    ///         Ok(*stock)
    ///     }
    /// }
    ///
    /// # fn main() -> Result<(), Error> {
    /// # smol::block_on(async {
    /// let (conduit, stock) =
    ///     (Conduit::new("shop", Smol, Memory::new(), Json)?, Arc::new(Stock::default()));
    /// conduit.queue_bind("put").await?.with(Arc::clone(&stock)).serve(Stock::put);
    /// conduit.queue_bind("take").await?.with(stock).serve(async |stock: Arc<Stock>, count: u32| {
    ///     let mut stock = stock.0.lock().expect("no handler panics");
    ///     *stock = stock.checked_sub(count).ok_or("it is sold out")?;
    ///     Ok::<_, &str>(*stock)
    /// });
    ///
    /// let shop = conduit.own_service();
    /// assert_eq!(shop.request("put", &3).await?.decode::<u32>().await?, 3);
    /// assert_eq!(shop.request("take", &1).await?.decode::<u32>().await?, 2);
    /// # Ok(())
    /// # })
    /// # }
    /// ```
    ///
    /// An async closure whose future borrows what the closure has captured is no `Fn`, and cannot
    /// be a handler:
    ///
    /// ```compile_fail
    /// # use conduit::{Conduit, Error};
    /// # use conduit_json::Json;
    /// # use conduit_memory::Memory;
    /// # use conduit_smol::Smol;
    /// # async fn bind(conduit: Conduit<Json>) -> Result<(), Error> {
    /// let names = vec!["Ada", "Grace"];
    /// conduit.queue_bind("name").await?.serve(async move |number: usize| {
    ///     names.get(number).copied().ok_or("there is no such number")
    /// });
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// It takes what it needs as its state instead:
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use conduit::{Conduit, Error};
    /// # use conduit_json::Json;
    /// # use conduit_memory::Memory;
    /// # use conduit_smol::Smol;
    /// # async fn bind(conduit: Conduit<Json>) -> Result<(), Error> {
    /// let names = Arc::new(vec!["Ada", "Grace"]);
    /// let binding = conduit.queue_bind("name").await?.with(names);
    /// binding.serve(async |names: Arc<Vec<&'static str>>, number: usize| {
    ///     names.get(number).copied().ok_or("there is no such number")
    /// });
    /// # Ok(())
    /// # }
    /// ```
    pub fn with<S: Send + Sync + 'static>(self, state: Arc<S>) -> BindingWithState<E, S> {
        BindingWithState { binding: self, state }
    }
}

/// A handler with its state.
struct HandlerWithState<S, F> {
    state: Arc<S>,
    function: Arc<F>,
}

impl<S: Send + Sync, F> HandlerWithState<S, F> {
    /// Calls the function. The future keeps what it needs of this.
    fn call<A: Send, M>(
        &self,
        arguments: A,
    ) -> impl Future<Output = F::Output> + Send + use<S, F, A, M>
    where
        F: StateHandler<S, A, M>,
    {
        let (state, function) = (Arc::clone(&self.state), Arc::clone(&self.function));
        async move { function.call(state, arguments).await }
    }
}

impl<E: Encoder, S: Send + Sync + 'static> BindingWithState<E, S> {
    fn handled_by<F>(self, function: F) -> (Binding<E>, HandlerWithState<S, F>) {
        let Self { binding, state } = self;
        (binding, HandlerWithState { state, function: Arc::new(function) })
    }

    /// Runs a function on the state and each message, as [`Binding::to`] does.
    pub fn to<M, F>(self, function: F) -> Worker
    where
        M: 'static,
        F: StateHandler<S, (Message<E>,), M, Output: HandlerOutput>,
    {
        let (binding, handler) = self.handled_by(function);
        binding.to(move |message| handler.call((message,)))
    }

    /// Runs a function on the state and the decoded value of each message, without a reply.
    pub(super) fn values_to<T, M, F>(self, function: F) -> Worker
    where
        E: Decode<T>,
        T: Send + 'static,
        M: 'static,
        F: StateHandler<S, (T,), M, Output: HandlerOutput>,
    {
        let (binding, handler) = self.handled_by(function);
        binding.values_to(move |value| handler.call((value,)))
    }

    /// Runs a function on the state and the decoded value of each message, and replies with the
    /// value that it returns, as [`Binding::serve`] does.
    pub fn serve<T, V, X, M, F>(self, function: F) -> Worker
    where
        E: Decode<T> + Encode<V>,
        T: Send + 'static,
        V: Send + 'static,
        X: Into<Box<dyn StdError + Send + Sync>> + Send + 'static,
        M: 'static,
        F: StateHandler<S, (T,), M, Output = Result<V, X>>,
    {
        let (binding, handler) = self.handled_by(function);
        binding.serve(move |value| handler.call((value,)))
    }

    /// Like [`serve`](Self::serve), for a function that also takes the message, as
    /// [`Binding::serve_with`] does.
    pub fn serve_with<T, V, X, M, F>(self, function: F) -> Worker
    where
        E: Decode<T> + Encode<V>,
        T: Send + 'static,
        V: Send + 'static,
        X: Into<Box<dyn StdError + Send + Sync>> + Send + 'static,
        M: 'static,
        F: StateHandler<S, (T, Message<E>), M, Output = Result<V, X>>,
    {
        let (binding, handler) = self.handled_by(function);
        binding.serve_with(move |value, message| handler.call((value, message)))
    }
}

impl<E: Encoder, S> fmt::Debug for BindingWithState<E, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BindingWithState").field("binding", &self.binding).finish_non_exhaustive()
    }
}
