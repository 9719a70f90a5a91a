//! The life of one subscription: it subscribes, listens and leaves.

use std::sync::Arc;

use futures_lite::future;

use super::{
    listening::Listening,
    route::{Phase, Route},
};
use crate::{
    Error, ErrorKind,
    driver::{Logged, Seen, Shared, shared::lock},
    error::Causes,
    transport::{Address, DynSubscription, TransportErrorKind},
};

struct EndOnDrop(Arc<Route>);

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        self.0.end();
    }
}

impl Shared {
    /// Subscribes, listens, leaves.
    pub(super) async fn run_route(self: Arc<Self>, route: Arc<Route>) {
        // A runtime that shuts down drops this task, and with it goes the subscription.
        let _ended = EndOnDrop(Arc::clone(&route));
        let result = self.subscribe_to(&route).await;
        if let Ok(subscription) = result {
            // A transport that is cut off need not end its subscriptions.
            future::or(self.listen_on(&route, subscription), self.closed()).await;
            route.end();
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

    async fn listen_on(self: &Arc<Self>, route: &Route, subscription: Box<dyn DynSubscription>) {
        *lock(&route.listening) = Some(Listening::new(subscription));
        route.subscribed();
        let leaving = async {
            route.wait(|phase| matches!(phase, Phase::Leaving)).await;
        };
        future::or(self.listen_for_readers(route), leaving).await;
        // From here on no reader polls it.
        let listening = lock(&route.listening).take();
        let Some(mut listening) = listening.filter(|_| route.is_leaving()) else {
            return;
        };
        match listening.subscription.leave().await {
            Ok(()) => {}
            Err(error) if error.kind() == TransportErrorKind::Disconnected => {}
            Err(error) => {
                let subject = Some(&route.subject);
                self.log(Logged::NotLeft, Seen { subject, ..Seen::error(&Causes(&error)) });
            }
        }
        listening.run(self, route).await;
    }
}
