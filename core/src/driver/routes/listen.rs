//! The task of one subscription: subscribes, listens and leaves.

use std::sync::Arc;

use futures_lite::future;

use super::{
    listening::Listening,
    route::{Phase, Route},
};
use crate::{
    Error, ErrorKind,
    driver::{Logged, Seen, Shared, ground::lock},
    error::Causes,
    transport::{Address, DynSubscription, TransportErrorKind},
};

/// Ends a subscription when its task ends, even if the runtime drops the task.
struct EndOnDrop {
    shared: Arc<Shared>,
    route: Arc<Route>,
}

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        self.route.end();
        self.shared.gone(&self.route);
    }
}

impl Shared {
    /// Subscribes, listens and leaves.
    pub(super) fn run_route(
        self: Arc<Self>,
        route: Arc<Route>,
    ) -> impl Future<Output = ()> + Send + 'static {
        // Made before the first poll: a runtime may drop a task that it never ran.
        let ending = EndOnDrop { shared: self, route };
        async move {
            let EndOnDrop { shared, route } = &ending;
            match shared.subscribe_to(route).await {
                // A transport that was aborted need not end its subscriptions.
                Ok(subscription) => {
                    future::or(shared.listen_on(route, subscription), shared.closed()).await;
                }
                Err(error) => route.enter(Phase::Failed(Arc::new(error))),
            }
        }
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
        // From now on no reader polls it.
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
