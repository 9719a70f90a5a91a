//! Closing, and dropping without closing.

use async_compat::Compat;
use conduit_nats::Nats;
use conduit_testing::suites::close::its_clone_stays_open;

use crate::support::{Outcome, Server, under_every_runtime};

mod common {
    conduit_testing::close_suite!(crate::support::Server);
}

under_every_runtime!(a_client_that_was_handed_in_stays_open,);

async fn a_client_that_was_handed_in_stays_open() -> Outcome {
    let server = Server::start();
    let client = Compat::new(async_nats::connect(server.url())).await?;
    its_clone_stays_open(Nats::from(client.clone())).await?;
    Compat::new(client.flush()).await?;
    let state = client.connection_state();
    assert_eq!(state, async_nats::connection::State::Connected);
    Ok(())
}
