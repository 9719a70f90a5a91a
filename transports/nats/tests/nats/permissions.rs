//! The permissions that the crate's documentation names are enough.

use conduit::transport::{Packet, Subscription, Targets, Transport};
use conduit_nats::Nats;
use futures_lite::StreamExt;

use crate::support::{
    Outcome, Server, control, group, inbox, next, plain, subject, token, under_every_runtime,
};

under_every_runtime!(a_service_needs_no_more);

const PERMISSIONS: &str = r#"
authorization {
  users: [
    { user: users, password: one, permissions {
        publish: { allow: "conduit.>", deny: "conduit.*.n.>" }
        subscribe: "conduit.users.>"
    } }
  ]
}
"#;

async fn a_service_needs_no_more() -> Outcome {
    let server = Server::with_config(PERMISSIONS);
    let nats = Nats::connect(server.url_as("users", "one")).await?;
    let mut inbox_packets = nats.subscribe(&inbox(1)).await?;
    let mut plain_packets = nats.subscribe(&plain("a")).await?;
    let mut group_packets = nats.subscribe(&group("a")).await?;
    let mut control_packets = nats.subscribe(&control()).await?;
    nats.flush().await?;

    nats.publish(&subject("a", Targets::Both), "to both".into(), None).await?;
    nats.publish(&control(), "to all".into(), None).await?;
    assert_eq!(next(&mut plain_packets).await, b"to both");
    assert_eq!(next(&mut group_packets).await, b"to both");
    assert_eq!(next(&mut control_packets).await, b"to all");

    plain_packets.leave().await?;
    let token = token(1, Targets::Plain);
    nats.publish(&plain("a"), "to nobody".into(), Some((&inbox(1), token))).await?;
    assert_eq!(inbox_packets.next().await, Some(Packet::Undelivered(token)));
    nats.publish(&inbox(1), "to the inbox".into(), None).await?;
    assert_eq!(next(&mut inbox_packets).await, b"to the inbox");
    nats.close().await;
    Ok(())
}
