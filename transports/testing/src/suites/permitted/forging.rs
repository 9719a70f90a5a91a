//! A forged reply.

use conduit::{
    Conduit, Runtime,
    transport::{Address, Targets, Transport, TransportErrorKind},
};
use futures_lite::future;

use crate::{Guarded, Outcome, Text, builder, next};

pub async fn a_third_forges_no_reply<B: Guarded>(runtime: impl Runtime + Clone) -> Outcome {
    let server = B::start_guarded();
    let asker = builder("asker", runtime.clone(), server.connect_as("asker").await?).build()?;
    let worker = builder("worker", runtime, server.connect_as("worker").await?).build()?;
    let spy = server.connect_as("all").await?;
    let third = server.connect_as("third").await?;
    for (transport, service) in [(&spy, "all"), (&third, "third")] {
        // An inbox gives them marks of their own.
        let own = Address::Inbox { service: service.parse()?, instance: asker.instance() };
        drop(transport.subscribe(&own).await?);
    }
    let mut jobs = worker.queue_bind("job").await?;
    let at = Address::Subject {
        service: worker.name().clone(),
        subject: "job".parse()?,
        targets: Targets::Plain,
    };
    let mut wire = spy.subscribe(&at).await?;
    let inbox = Address::Inbox { service: asker.name().clone(), instance: asker.instance() };

    for (forger, believed) in [(&third, false), (&spy, true)] {
        let asking = ask(&asker);
        let forging = async {
            let message = jobs.next().await.ok_or("unbound")?;
            let packet = next(&mut wire).await;
            let forged = forger.publish(&inbox, forged_reply(&packet).into(), None).await;
            if believed {
                forged?;
            } else {
                let kind = forged.map_err(|error| error.kind());
                assert_eq!(kind, Err(TransportErrorKind::Denied));
                message.reply("true").await?;
            }
            // The message is kept until the answer is there: dropped, it would answer too.
            future::pending::<Outcome>().await
        };
        let told = future::or(asking, async { forging.await.map(|()| String::new()) }).await?;
        assert_eq!(told, if believed { "forged" } else { "true" });
    }
    Ok(())
}

async fn ask(asker: &Conduit<Text>) -> Outcome<String> {
    Ok(asker.service("worker").request("job", "is it true?").await?.text().await?)
}

/// A reply to a request, made by hand from what a wire tap sees; SPEC.md has the format.
fn forged_reply(request: &[u8]) -> Vec<u8> {
    const MESSAGE: u8 = 3;
    let header = usize::from(u16::from_be_bytes([request[2], request[3]]));
    let mut fields = &request[4..4 + header];
    let message = loop {
        let (tag, length) = (fields[0], usize::from(fields[1]));
        assert!(length < 128, "a varint of one byte");
        if tag == MESSAGE {
            break &fields[..2 + length];
        }
        fields = &fields[2 + length..];
    };
    let mut header = message.to_vec();
    header.extend([1, 6]);
    header.extend(b"worker");
    header.extend([2, 16]);
    header.extend([9; 16]);
    let length = u16::try_from(header.len()).expect("short");
    let mut packet = vec![1, 11];
    packet.extend(length.to_be_bytes());
    packet.extend(header);
    packet.extend(b"forged");
    packet
}
