use std::{fmt, sync::Arc};

use crate::{broker::Broker, way::Way};

/// The link between one connection and the broker, which a test can break and restore. Get it from
/// [`Memory::link`](crate::Memory::link) before passing the connection to a conduit.
///
/// A link can break in two ways. If it is [disconnected](Self::disconnect), both sides notice, as
/// when a server closes the connection. If it is [cut](Self::cut), neither does: packets are lost,
/// as when a cable is unplugged.
///
/// ```
/// use std::time::Duration;
///
/// use conduit::{Conduit, ErrorKind};
/// use conduit_json::Json;
/// use conduit_memory::Memory;
/// use conduit_sim::Sim;
///
/// # fn main() -> Result<(), conduit::Error> {
/// let sim = Sim::new(1);
/// sim.block_on(async {
///     let broker = Memory::new();
///     let conduit = |name, transport| {
///         let builder = Conduit::builder(name).runtime(sim.clone()).ids(sim.ids());
///         builder.transport(transport).encoder(Json).build()
///     };
///     let at_worker = broker.clone();
///     let link = at_worker.link();
///     let (asker, worker) = (conduit("asker", broker.clone())?, conduit("worker", at_worker)?);
///     worker.queue_bind("ping").await?.to(|message| async move { message.reply("pong").await });
///
///     let ping = asker.service("worker").timeout(Duration::from_secs(1));
///     link.cut();
///     let error = ping.request("ping", &()).await.expect_err("nothing reaches the worker");
///     assert_eq!(error.kind(), ErrorKind::Deadline);
///     link.heal();
///     assert_eq!(ping.request("ping", &()).await?.decode::<String>().await?, "pong");
///     Ok(())
/// })
/// # }
/// ```
#[derive(Clone)]
pub struct Link {
    broker: Arc<Broker>,
    connection: u64,
    way: Arc<Way>,
}

impl Link {
    pub(crate) fn new(broker: Arc<Broker>, connection: u64, way: Arc<Way>) -> Self {
        Self { broker, connection, way }
    }

    /// Breaks the connection: packets in transit and in its subscriptions are lost, the broker
    /// forgets its subscriptions, and publishing waits.
    pub fn disconnect(&self) {
        self.broker.disconnect(self.connection);
    }

    /// Reconnects: subscriptions are renewed, and publishing continues.
    pub fn reconnect(&self) {
        self.broker.mend(&self.way, Way::DISCONNECTED);
    }

    /// Loses all packets in both directions silently from now on. The broker still routes to the
    /// connection, and publishing succeeds.
    pub fn cut(&self) {
        self.broker.cut(self.connection);
    }

    /// Ends a [`cut`](Self::cut).
    pub fn heal(&self) {
        self.broker.mend(&self.way, Way::CUT);
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link")
            .field("connection", &self.connection)
            .field("is_online", &self.way.is_online())
            .field("is_cut", &self.way.is_cut())
            .finish_non_exhaustive()
    }
}
