//! The task of one subscription: subscribes, listens and leaves.

use std::sync::Arc;

use futures_lite::future;

use super::listening::{deliver_all, listen_for_readers};
use crate::{
    Error, ErrorKind,
    driver::{
        EventFields, Logged, Shared,
        routes::{Listening, Route, RoutePhase},
    },
    error::Causes,
    lock::lock,
    transport::{DynSubscription, TransportErrorKind},
};

/// Ends a subscription when its task ends, even if the runtime drops the task.
struct EndRouteOnDrop {
    shared: Arc<Shared>,
    route: Arc<Route>,
}

impl Drop for EndRouteOnDrop {
    fn drop(&mut self) {
        self.route.end();
        self.shared.routes.gone(&self.route);
    }
}

/// Subscribes, listens and leaves.
pub(super) fn run(
    shared: Arc<Shared>,
    route: Arc<Route>,
) -> impl Future<Output = ()> + Send + 'static {
    // Made before the first poll: a runtime may drop a task that it never ran.
    let ending = EndRouteOnDrop { shared, route };
    async move {
        let EndRouteOnDrop { shared, route } = &ending;
        match subscribe(shared, route).await {
            // A transport that was aborted need not end its subscriptions.
            Ok(subscription) => {
                future::or(listen(shared, route, subscription), shared.closed()).await;
            }
            Err(error) => route.enter(RoutePhase::Failed(Arc::new(error))),
        }
    }
}

async fn subscribe(shared: &Shared, route: &Route) -> Result<Box<dyn DynSubscription>, Error> {
    let address = shared.own_subject(route.subject.clone(), route.target);
    let attempt = async {
        let subscription = shared.transport.subscribe(&address).await?;
        shared.transport.flush().await?;
        Ok(subscription)
    };
    let give_up = async {
        shared.sleep_until(shared.now() + shared.config.send_timeout).await;
        Err(Error::new(ErrorKind::Disconnected, "the broker did not answer in time"))
    };
    let closed = async {
        shared.closing().await;
        Err(ErrorKind::Closed.into())
    };
    future::or(attempt, future::or(give_up, closed)).await
}

async fn listen(shared: &Arc<Shared>, route: &Route, subscription: Box<dyn DynSubscription>) {
    *lock(&route.listening) = Some(Listening::new(subscription));
    route.subscribed();
    let leaving = async {
        route.wait(|phase| matches!(phase, RoutePhase::Leaving)).await;
    };
    future::or(listen_for_readers(shared, route), leaving).await;
    // From now on no reader polls it.
    let listening = lock(&route.listening).take();
    let Some(mut listening) = listening.filter(|_| route.is_leaving()) else {
        return;
    };
    // What was sent here before still arrives.
    let sent = async {
        shared.empty_send_buffer().await;
        Ok(())
    };
    shared.in_time(None, sent).await.ok();
    match listening.subscription.leave().await {
        Ok(()) => {}
        Err(error) if error.kind() == TransportErrorKind::Disconnected => {}
        Err(error) => {
            let subject = Some(&route.subject);
            shared.log(
                Logged::NotLeft,
                EventFields { subject, ..EventFields::error(&Causes(&error)) },
            );
        }
    }
    deliver_all(shared, route, &mut listening).await;
}
