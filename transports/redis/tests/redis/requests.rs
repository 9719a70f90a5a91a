//! Requests that have no receiver.

use conduit::{ErrorKind, Executed, Runtime};

use crate::support::{Outcome, Server, connected, with_every_runtime};

with_every_runtime!(a_thousand_requests_to_nobody);

async fn a_thousand_requests_to_nobody(runtime: impl Runtime + Clone) -> Outcome {
    let server = Server::start();
    let asker = connected("asker", &runtime, &server).await?.build()?;
    for _ in 0..1_000 {
        let error = asker.service("nobody").request("job", "?").await.map(drop);
        let error = error.expect_err("nobody listens");
        assert_eq!((error.kind(), error.executed()), (ErrorKind::NoReceivers, Executed::No));
    }
    Ok(())
}
