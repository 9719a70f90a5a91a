//! The life of one subscription: it subscribes, listens and leaves.

use std::sync::Arc;

use futures_lite::{StreamExt, future};

use super::route::{Phase, Route};
use crate::{
    Error, ErrorKind,
    driver::Shared,
    transport::{Address, DynSubscription, Packet, TransportErrorKind},
};

impl Shared {
    /// Subscribes, listens, leaves.
    pub(super) async fn run_route(self: Arc<Self>, route: Arc<Route>) {
        let result = self.subscribe_to(&route).await;
        if let Ok(mut subscription) = result {
            // A transport that is cut off need not end its subscriptions.
            future::or(self.listen_on(&route, &mut *subscription), self.closed()).await;
            route.enter(Phase::Left);
        } else if let Err(error) = result {
            route.enter(Phase::Failed(Arc::new(error)));
        }
        self.gone(&route);
    }

    async fn subscribe_to(&self, route: &Route) -> Result<Box<dyn DynSubscription>, Error> {
        let address = self.address_of(route);
        let attempt = async {
            let subscription = self.transport.subscribe(&address).await?;
            self.transport.flush().await?;
            Ok(subscription)
        };
        let give_up = async {
            self.sleep_until(self.now() + self.config.send_timeout).await;
            Err(Error::new(ErrorKind::Disconnected, "the broker did not answer in time"))
        };
        let closed = async {
            self.closing().await;
            Err(ErrorKind::Closed.into())
        };
        future::or(attempt, future::or(give_up, closed)).await
    }

    pub(in crate::driver) fn address_of(&self, route: &Route) -> Address {
        Address::Subject {
            service: self.source.service.clone(),
            subject: route.subject.clone(),
            targets: route.target.into(),
        }
    }

    async fn listen_on(self: &Arc<Self>, route: &Route, subscription: &mut dyn DynSubscription) {
        route.subscribed();
        let leaving = async {
            route.wait(|phase| matches!(phase, Phase::Leaving)).await;
        };
        future::or(self.pump(route, subscription), leaving).await;
        if !route.is_leaving() {
            return;
        }
        match subscription.leave().await {
            Ok(()) => {}
            Err(error) if error.kind() == TransportErrorKind::Disconnected => {}
            Err(error) => {
                tracing::debug!(%error, subject = %route.subject, "could not unsubscribe");
            }
        }
        self.pump(route, subscription).await;
    }

    /// Hands on what comes, until the subscription ends. It never waits for a handler.
    async fn pump(self: &Arc<Self>, route: &Route, subscription: &mut dyn DynSubscription) {
        const TURN: u32 = 128;
        let mut turn = 0;
        while let Some(packet) = subscription.next().await {
            if let Packet::Data(packet) = packet {
                self.handle_subject(route, &packet);
            }
            turn += 1;
            if turn % TURN == 0 {
                future::yield_now().await;
            }
        }
    }
}
