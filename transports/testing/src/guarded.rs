use conduit::transport::Namespace;
use futures_lite::Stream;

use crate::{Broker, Outcome};

/// A broker whose users have the permissions that the documentation names. `asker` may send to all
/// services, as may `worker` of the namespace `staging`, who is the user `staging`; `worker` may send to
/// `asker` apart from the subject `hidden`, and not bind `secret`; `third` may send to subjects of
/// `worker`, and `all` may do everything.
pub trait Guarded: Broker {
    /// Starts a server with these users.
    #[must_use]
    fn start_guarded() -> Self;

    /// Connects as a user.
    fn connect_as(&self, user: &str) -> impl Future<Output = Outcome<Self::Transport>> + Send;

    /// Permits `worker` to send to one other service instead of `asker`.
    fn permit_worker(&self, other: &str);

    /// Returns a transport whose conduits are in a namespace.
    fn in_namespace(transport: &Self::Transport, namespace: Namespace) -> Self::Transport;

    /// Returns what a transport says of itself from now on: whether it is that something was denied.
    fn denials(transport: &Self::Transport) -> impl Stream<Item = bool> + Send + Unpin + use<Self>;
}
