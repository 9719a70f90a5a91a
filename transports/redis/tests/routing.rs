//! Where packets go.

mod support;

use bytes::Bytes;
use conduit::transport::{Packet, Targets, Transport};
use conduit_redis::Redis;
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
);

async fn plain_and_group_get_what_is_for_them() -> Outcome {
    let server = Server::start();
    let redis = Redis::connect(server.url()).await?;
    let _inbox = redis.subscribe(&inbox(1)).await?;
    let mut plain = redis.subscribe(&plain("a.b")).await?;
    let mut group = redis.subscribe(&group("a.b")).await?;
    let mut other = redis.subscribe(&support::plain("a")).await?;
    for (targets, packet) in
        [(Targets::Plain, "plain"), (Targets::Group, "group"), (Targets::Both, "both")]
    {
        redis.publish(&subject("a.b", targets), packet.into(), None).await?;
    }
    redis.flush().await?;
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
        let redis = Redis::connect(server.url()).await?;
        let _ = redis.subscribe(&inbox(instance)).await?;
        members.push(redis.subscribe(&group("work")).await?);
        plains.push(redis.subscribe(&plain("work")).await?);
        redis.flush().await?;
        instances.push(redis);
    }
    for number in 0..PACKETS {
        let packet = number.to_string().into();
        instances[0].publish(&subject("work", Targets::Both), packet, None).await?;
    }
    for redis in &instances {
        redis.flush().await?;
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
    let (one, two) = (Redis::connect(server.url()).await?, Redis::connect(server.url()).await?);
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
    let receiver = Redis::connect(server.url()).await?;
    let _inbox = receiver.subscribe(&inbox(1)).await?;
    let mut plain = receiver.subscribe(&plain("ordered")).await?;
    receiver.flush().await?;
    let sender = Redis::connect(server.url()).await?;
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
    let redis = Redis::connect(server.url()).await?;
    let me = inbox(1);
    let mut notices = redis.subscribe(&me).await?;
    let mut plain = redis.subscribe(&plain("half")).await?;
    for (number, (name, targets)) in
        (0..).zip([("none", Targets::Both), ("half", Targets::Group), ("half", Targets::Both)])
    {
        let token = Some((&me, token(number, targets)));
        redis.publish(&subject(name, targets), "offer".into(), token).await?;
    }
    let gone = Some((&me, token(3, Targets::Plain)));
    redis.publish(&inbox(9), "to an instance that is gone".into(), gone).await?;
    redis.publish(&me, "behind the notices".into(), None).await?;

    let expected = [token(0, Targets::Both), token(1, Targets::Group), token(3, Targets::Plain)];
    for token in expected {
        assert_eq!(notices.next().await, Some(Packet::Undelivered(token)));
    }
    assert_eq!(next(&mut notices).await, b"behind the notices");
    assert_eq!(next(&mut plain).await, b"offer");
    Ok(())
}
