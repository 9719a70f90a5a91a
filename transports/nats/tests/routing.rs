//! Where packets go.

mod support;

use bytes::Bytes;
use conduit::transport::{Packet, Targets, Transport};
use conduit_nats::Nats;
use futures_lite::StreamExt;
use support::{
    Outcome, Server, arrived, control, group, inbox, next, plain, subject, token,
    under_every_runtime,
};

under_every_runtime!(
    plain_and_group_get_what_is_for_them,
    a_group_shares_and_every_plain_subscription_gets_all,
    an_inbox_is_one_instance_and_control_is_all,
    order_holds_whatever_the_targets,
    nobody_subscribed_is_told_to_the_inbox,
    forgeries_at_an_inbox_are_ignored,
);

async fn plain_and_group_get_what_is_for_them() -> Outcome {
    let server = Server::start();
    let nats = Nats::connect(server.url()).await?;
    let _inbox = nats.subscribe(&inbox(1)).await?;
    let mut plain = nats.subscribe(&plain("a.b")).await?;
    let mut group = nats.subscribe(&group("a.b")).await?;
    let mut other = nats.subscribe(&support::plain("a")).await?;
    for (targets, packet) in
        [(Targets::Plain, "plain"), (Targets::Group, "group"), (Targets::Both, "both")]
    {
        nats.publish(&subject("a.b", targets), packet.into(), None).await?;
    }
    nats.flush().await?;
    assert_eq!([next(&mut plain).await, next(&mut plain).await], [b"plain".as_slice(), b"both"]);
    assert_eq!([next(&mut group).await, next(&mut group).await], [b"group".as_slice(), b"both"]);
    for none in [&mut plain, &mut group, &mut other] {
        assert_eq!(arrived(none).await, None);
    }
    Ok(())
}

async fn a_group_shares_and_every_plain_subscription_gets_all() -> Outcome {
    const PACKETS: usize = 1_000;
    let server = Server::start();
    let (mut members, mut plains, mut instances) = (Vec::new(), Vec::new(), Vec::new());
    for instance in 0..3 {
        let nats = Nats::connect(server.url()).await?;
        let _ = nats.subscribe(&inbox(instance)).await?;
        members.push(nats.subscribe(&group("work")).await?);
        plains.push(nats.subscribe(&plain("work")).await?);
        nats.flush().await?;
        instances.push(nats);
    }
    for number in 0..PACKETS {
        let packet = number.to_string().into();
        instances[0].publish(&subject("work", Targets::Both), packet, None).await?;
    }
    for nats in &instances {
        nats.flush().await?;
    }
    let mut shared = Vec::new();
    for member in &mut members {
        while let Some(Packet::Data(packet)) = arrived(member).await {
            shared.push(str::from_utf8(&packet)?.parse::<usize>()?);
        }
    }
    shared.sort_unstable();
    assert_eq!(shared, (0..PACKETS).collect::<Vec<_>>());
    for plain in &mut plains {
        for number in 0..PACKETS {
            assert_eq!(next(plain).await, number.to_string().into_bytes());
        }
        assert_eq!(arrived(plain).await, None);
    }
    Ok(())
}

async fn an_inbox_is_one_instance_and_control_is_all() -> Outcome {
    let server = Server::start();
    let (one, two) = (Nats::connect(server.url()).await?, Nats::connect(server.url()).await?);
    let (mut inbox_1, mut inbox_2) =
        (one.subscribe(&inbox(1)).await?, two.subscribe(&inbox(2)).await?);
    let (mut control_1, mut control_2) =
        (one.subscribe(&control()).await?, two.subscribe(&control()).await?);
    two.flush().await?;
    one.publish(&inbox(2), "for two".into(), None).await?;
    one.publish(&control(), "for all".into(), None).await?;
    one.flush().await?;
    assert_eq!(next(&mut inbox_2).await, b"for two");
    assert_eq!(next(&mut control_1).await, b"for all");
    assert_eq!(next(&mut control_2).await, b"for all");
    assert_eq!(arrived(&mut inbox_1).await, None);
    Ok(())
}

async fn order_holds_whatever_the_targets() -> Outcome {
    const PACKETS: u32 = 20_000;
    let server = Server::start();
    let receiver = Nats::connect(server.url()).await?;
    let _inbox = receiver.subscribe(&inbox(1)).await?;
    let mut plain = receiver.subscribe(&plain("ordered")).await?;
    receiver.flush().await?;
    let sender = Nats::connect(server.url()).await?;
    for number in 0..PACKETS {
        let targets = if number % 3 == 0 { Targets::Plain } else { Targets::Both };
        let packet = Bytes::copy_from_slice(&number.to_be_bytes());
        sender.publish(&subject("ordered", targets), packet, None).await?;
    }
    for number in 0..PACKETS {
        assert_eq!(next(&mut plain).await, number.to_be_bytes());
    }
    Ok(())
}

async fn nobody_subscribed_is_told_to_the_inbox() -> Outcome {
    let server = Server::start();
    let nats = Nats::connect(server.url()).await?;
    let me = inbox(1);
    let mut notices = nats.subscribe(&me).await?;
    let mut plain = nats.subscribe(&plain("half")).await?;
    for (number, (name, targets)) in
        (0..).zip([("none", Targets::Both), ("half", Targets::Group), ("half", Targets::Both)])
    {
        let token = Some((&me, token(number, targets)));
        nats.publish(&subject(name, targets), "offer".into(), token).await?;
    }
    let gone = Some((&me, token(3, Targets::Plain)));
    nats.publish(&inbox(9), "to an instance that is gone".into(), gone).await?;
    nats.publish(&me, "behind the notices".into(), None).await?;

    let expected = [token(0, Targets::Both), token(1, Targets::Group), token(3, Targets::Plain)];
    for token in expected {
        assert_eq!(notices.next().await, Some(Packet::Undelivered(token)));
    }
    assert_eq!(next(&mut notices).await, b"behind the notices");
    assert_eq!(next(&mut plain).await, b"offer");
    Ok(())
}

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
