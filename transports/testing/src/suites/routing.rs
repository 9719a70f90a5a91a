//! Where packets go.

use crate::{Broker, Outcome, arrived, control, group, inbox, next, plain, subject, token};
use bytes::Bytes;
use conduit::transport::{Packet, Targets, Transport};
use futures_lite::StreamExt;

/// Runs the tests of [`routing`](crate::suites::routing) against a [`Broker`](crate::Broker).
#[macro_export]
macro_rules! routing_suite {
    ($($how:tt)+) => {
        $crate::under_every_runtime! {
            routing for $($how)+:
            plain_and_group_get_what_is_for_them,
            a_group_shares_and_every_plain_subscription_gets_all,
            an_inbox_is_one_instance_and_control_is_all,
            order_holds_whatever_the_targets,
            nobody_subscribed_is_told_to_the_inbox,
        }
    };
}

pub async fn plain_and_group_get_what_is_for_them<B: Broker>() -> Outcome {
    let server = B::start();
    let transport = server.connect().await?;
    let _inbox = transport.subscribe(&inbox(1)).await?;
    let mut plain = transport.subscribe(&plain("a.b")).await?;
    let mut group = transport.subscribe(&group("a.b")).await?;
    let mut other = transport.subscribe(&crate::plain("a")).await?;
    for (targets, packet) in
        [(Targets::Plain, "plain"), (Targets::Group, "group"), (Targets::Both, "both")]
    {
        transport.publish(&subject("a.b", targets), packet.into(), None).await?;
    }
    transport.flush().await?;
    assert_eq!([next(&mut plain).await, next(&mut plain).await], [b"plain".as_slice(), b"both"]);
    assert_eq!([next(&mut group).await, next(&mut group).await], [b"group".as_slice(), b"both"]);
    for none in [&mut plain, &mut group, &mut other] {
        assert_eq!(arrived(none).await, None);
    }
    Ok(())
}

pub async fn a_group_shares_and_every_plain_subscription_gets_all<B: Broker>() -> Outcome {
    const PACKETS: usize = 1_000;
    let server = B::start();
    let (mut members, mut plains, mut instances) = (Vec::new(), Vec::new(), Vec::new());
    for instance in 0..3 {
        let transport = server.connect().await?;
        let _ = transport.subscribe(&inbox(instance)).await?;
        members.push(transport.subscribe(&group("work")).await?);
        plains.push(transport.subscribe(&plain("work")).await?);
        transport.flush().await?;
        instances.push(transport);
    }
    for number in 0..PACKETS {
        let packet = number.to_string().into();
        instances[0].publish(&subject("work", Targets::Both), packet, None).await?;
    }
    for transport in &instances {
        transport.flush().await?;
    }
    let mut shared = Vec::new();
    loop {
        for member in &mut members {
            while let Some(Packet::Data(packet)) = arrived(member).await {
                shared.push(str::from_utf8(&packet)?.parse::<usize>()?);
            }
        }
        // Elsewhere they come a moment after the flush.
        if B::ONE_CONNECTION || shared.len() >= PACKETS {
            break;
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

pub async fn an_inbox_is_one_instance_and_control_is_all<B: Broker>() -> Outcome {
    let server = B::start();
    let (one, two) = (server.connect().await?, server.connect().await?);
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

pub async fn order_holds_whatever_the_targets<B: Broker>() -> Outcome {
    const PACKETS: u32 = 20_000;
    let server = B::start();
    let receiver = server.connect().await?;
    let _inbox = receiver.subscribe(&inbox(1)).await?;
    let mut plain = receiver.subscribe(&plain("ordered")).await?;
    receiver.flush().await?;
    let sender = server.connect().await?;
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

pub async fn nobody_subscribed_is_told_to_the_inbox<B: Broker>() -> Outcome {
    let server = B::start();
    let transport = server.connect().await?;
    let me = inbox(1);
    let mut notices = transport.subscribe(&me).await?;
    let mut plain = transport.subscribe(&plain("half")).await?;
    for (number, (name, targets)) in
        (0..).zip([("none", Targets::Both), ("half", Targets::Group), ("half", Targets::Both)])
    {
        let token = Some((&me, token(number, targets)));
        transport.publish(&subject(name, targets), "offer".into(), token).await?;
    }
    let gone = Some((&me, token(3, Targets::Plain)));
    transport.publish(&inbox(9), "to an instance that is gone".into(), gone).await?;
    transport.publish(&me, "behind the notices".into(), None).await?;

    let expected = [token(0, Targets::Both), token(1, Targets::Group), token(3, Targets::Plain)];
    for token in expected {
        assert_eq!(notices.next().await, Some(Packet::Undelivered(token)));
    }
    assert_eq!(next(&mut notices).await, b"behind the notices");
    assert_eq!(next(&mut plain).await, b"offer");
    Ok(())
}
