//! Where packets go.

use conduit::transport::{Packet, Targets, Transport};
use conduit_nats::Nats;
use futures_lite::StreamExt;

use crate::support::{Outcome, Server, inbox, token, under_every_runtime};

mod common {
    conduit_testing::routing_suite!(crate::support::Server);
}

under_every_runtime!(forgeries_at_an_inbox_are_ignored,);

async fn forgeries_at_an_inbox_are_ignored() -> Outcome {
    let server = Server::start();
    let nats = Nats::connect(server.url()).await?;
    let mut packets = nats.subscribe(&inbox(1)).await?;
    nats.flush().await?;

    let url = server.url();
    async_compat::Compat::new(async move {
        let forger = async_nats::connect(url).await?;
        let instance = "01".repeat(16);
        let base = format!("conduit.users.i.{instance}");
        let token = token(1, Targets::Plain);
        for last in [token.to_string(), "p0".into(), "P".into(), token.message.to_string()] {
            for kind in ["i", "n", "x"] {
                let subject = format!("conduit.users.{kind}.{instance}.{last}");
                forger.publish(subject, "forged".into()).await?;
            }
        }
        forger.publish(format!("conduit.users.n.{instance}.p"), "no packet".into()).await?;
        forger.publish(format!("{base}.p.p"), "too deep".into()).await?;
        forger.publish(format!("{base}.p"), "real".into()).await?;
        forger.flush().await?;
        Outcome::Ok(())
    })
    .await?;
    assert_eq!(packets.next().await, Some(Packet::Data("real".into())));
    Ok(())
}
