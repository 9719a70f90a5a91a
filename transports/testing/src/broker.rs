use std::fmt;

use conduit::{Builder, Conduit, Runtime, transport::Transport};

use crate::{Outcome, Text};

/// A server of one kind for a test, and the transport that connects to it.
pub trait Broker: Sized + Send + Sync + 'static {
    /// The transport.
    type Transport: Transport + Clone + fmt::Debug;

    /// The length of the bodies that outlive kills of the server, in bytes.
    const LONG: u64;

    /// Whether what is published, what is asked for and what arrives takes one connection. Then a flush
    /// brings what was routed here before it, and what was dropped is gone for what is published after.
    const ONE_CONNECTION: bool = true;

    /// How many subscriptions one connection may have, and a test makes.
    const MANY: usize = 3_000;

    /// Starts a server on a free port.
    #[must_use]
    fn start() -> Self;

    /// Returns what [`connect_to`](Self::connect_to) takes.
    fn url(&self) -> String;

    /// Stops the server's process where it is: connections stay, and nothing is answered.
    fn pause(&self);

    /// Kills the server, so that connections break.
    fn stop(&mut self);

    /// Starts it again, at the same port.
    fn start_again(&mut self);

    /// Connects to a server.
    fn connect_to(url: String) -> impl Future<Output = Outcome<Self::Transport>> + Send;

    /// Returns whether a transport takes itself to be connected.
    fn is_connected(transport: &Self::Transport) -> bool;

    /// Connects to this server.
    fn connect(&self) -> impl Future<Output = Outcome<Self::Transport>> + Send {
        Self::connect_to(self.url())
    }
}

/// Waits until a transport has noticed that its server is gone.
pub async fn disconnected<B: Broker>(transport: &B::Transport) {
    while B::is_connected(transport) {
        futures_lite::future::yield_now().await;
    }
}

/// A conduit that still needs its limits.
pub type Half<R, T> = Builder<R, T, Text>;

/// Begins to build a conduit.
pub fn builder<R: Runtime, T: Transport>(service: &str, runtime: R, transport: T) -> Half<R, T> {
    Conduit::builder(service).runtime(runtime).transport(transport).encoder(Text)
}

/// Begins to build a conduit with a connection of its own.
///
/// # Errors
/// The server cannot be connected to.
pub async fn connected<B: Broker, R: Runtime + Clone>(
    service: &str,
    runtime: &R,
    server: &B,
) -> Outcome<Half<R, B::Transport>> {
    Ok(builder(service, runtime.clone(), server.connect().await?))
}
