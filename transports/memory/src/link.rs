use std::{fmt, sync::Arc};

use crate::{broker::Broker, way::Way};

/// The way between one connection and the broker, to be broken and mended by a test. It comes from
/// [`Memory::link`](crate::Memory::link), before the connection is given to a conduit.
///
/// A way breaks in two manners. [Disconnected](Self::disconnect), both sides know it, as when a
/// server closes the connection. [Cut](Self::cut), nobody does: packets get lost, as when a cable
/// is pulled.
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

    /// Breaks the connection: what is on its way, or waits in its subscriptions, is lost; the
    /// broker forgets its subscriptions; publishing waits.
    pub fn disconnect(&self) {
        self.broker.disconnect(self.connection);
    }

    /// Connects again: subscriptions are renewed, and publishing goes on.
    pub fn reconnect(&self) {
        self.broker.mend(&self.way, Way::DISCONNECTED);
    }

    /// Loses all packets in both directions from now on, and tells nobody. The broker still routes
    /// to the connection, and publishing succeeds.
    pub fn cut(&self) {
        self.broker.cut(self.connection);
    }

    /// Ends what [`cut`](Self::cut) began.
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
