//! The server's `max_payload`.

use bytes::Bytes;
use conduit::transport::{Transport, TransportErrorKind};
use conduit_nats::{ConnectErrorKind, Nats};

use crate::support::{Outcome, Server, inbox, next, under_every_runtime};

under_every_runtime!(
    the_servers_limit_is_honoured_to_the_byte,
    a_new_limit_holds_after_a_restart,
    a_server_that_takes_too_little_is_refused,
);

async fn the_servers_limit_is_honoured_to_the_byte() -> Outcome {
    let server = Server::with_config("max_payload: 20000");
    let nats = Nats::connect(server.url()).await?;
    assert_eq!(nats.max_packet_len(), 20_000);
    let mut packets = nats.subscribe(&inbox(1)).await?;

    let refused = nats.publish(&inbox(1), Bytes::from(vec![1; 20_001]), None).await;
    assert_eq!(refused.map_err(|error| error.kind()), Err(TransportErrorKind::TooLarge));
    nats.publish(&inbox(1), Bytes::from(vec![2; 20_000]), None).await?;
    nats.flush().await?;
    assert_eq!(next(&mut packets).await, vec![2; 20_000]);
    Ok(())
}

async fn a_new_limit_holds_after_a_restart() -> Outcome {
    let mut server = Server::with_config("max_payload: 20000");
    let nats = Nats::connect(server.url()).await?;
    let mut packets = nats.subscribe(&inbox(1)).await?;
    server.stop();
    crate::support::disconnected(&nats).await;
    server.configure("max_payload: 40000");
    server.start_again();
    nats.flush().await?;
    assert_eq!(nats.max_packet_len(), 40_000);
    nats.publish(&inbox(1), Bytes::from(vec![3; 40_000]), None).await?;
    assert_eq!(next(&mut packets).await, vec![3; 40_000]);
    Ok(())
}

async fn a_server_that_takes_too_little_is_refused() -> Outcome {
    let server = Server::with_config("max_payload: 16383");
    let error = Nats::connect(server.url()).await.expect_err("a limit below the least");
    assert_eq!(error.kind(), ConnectErrorKind::MaxPayload);
    Ok(())
}
