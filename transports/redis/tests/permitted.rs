//! Conduits under exactly the permissions that the documentation names, and under less.

mod support;

use std::{error::Error, sync::Arc, time::Duration};

use conduit::{
    Conduit, ErrorKind, Executed, Runtime,
    transport::{Address, Transport, TransportErrorKind},
};
use conduit_redis::{Redis, RedisEvent};
use futures_lite::{Stream, StreamExt, future};
use support::{Outcome, Server, Text, builder, with_every_runtime};

with_every_runtime!(
    two_services_need_no_more,
    a_service_of_a_namespace_stays_in_it,
    what_is_not_permitted_is_denied_where_it_is_done,
    a_subject_of_a_permitted_service_is_denied_from_the_second_time_on,
    a_reply_that_is_not_permitted_is_denied,
    a_third_hears_nothing,
    a_third_forges_no_reply,
    permissions_may_change,
);

/// What every user needs, and what it needs for its own service.
const COMMON: &str = "resetkeys resetchannels -@all +hello +auth +ping +script|load +evalsha +time \
    +subscribe +unsubscribe +publish +zrange +zscore +zincrby +zrem +zadd +zremrangebyscore +expire";

/// What a user needs to send.
const SENDS: &str = "+publish +evalsha +time +zrange +zscore +zincrby +zrem";

/// The rules of a user of the documentation: one service, which may send to all.
fn documented(root: &str, service: &str) -> String {
    format!(
        "{COMMON} ~{root}.{{{service}}}.* &{root}.{{{service}}}.* \
         ({SENDS} ~{root}.{{*}}.t.* %R~{root}.{{*}}.m.* &{root}.{{*}}.s.* &{root}.{{*}}.i.* &{root}.{{*}}.c)"
    )
}

/// The rules of `worker`: it may send to one subject of `asker`, but not to `third`.
fn worker_sends_to(other: &str) -> String {
    format!(
        "{COMMON} ~conduit.{{worker}}.?.[^s]* &conduit.{{worker}}.i.* &conduit.{{worker}}.c \
         &conduit.{{worker}}.s.?.[^s]* \
         ({SENDS} ~conduit.{{{other}}}.t.news %R~conduit.{{{other}}}.m.news \
         &conduit.{{{other}}}.s.p.news &conduit.{{{other}}}.s.g.news.* &conduit.{{{other}}}.i.* \
         &conduit.{{{other}}}.c)"
    )
}

fn permit(server: &Server, user: &str, password: &str, rules: &str) {
    let (own, others) = rules.split_once('(').unwrap_or((rules, ""));
    let (password, selector) = (format!(">{password}"), format!("({others}"));
    let mut arguments = vec!["ACL", "SETUSER", user, "reset", "on", &password];
    arguments.extend(own.split_whitespace());
    if !others.is_empty() {
        arguments.push(&selector);
    }
    assert_eq!(server.command(&arguments), "+OK\r\n", "{arguments:?}");
}

fn server_with_rules() -> Server {
    let server = Server::start();
    permit(&server, "asker", "one", &documented("conduit", "asker"));
    permit(&server, "worker", "two", &worker_sends_to("asker"));
    let third = format!(
        "{COMMON} ~conduit.{{third}}.* &conduit.{{third}}.* \
         ({SENDS} ~conduit.{{worker}}.t.* %R~conduit.{{worker}}.m.* &conduit.{{worker}}.s.*)"
    );
    permit(&server, "third", "three", &third);
    permit(&server, "all", "four", "allkeys allchannels +@all");
    permit(&server, "staging", "five", &documented("conduit-staging", "worker"));
    server
}

/// Longer than a packet, a first window and a window.
const LONG: usize = 3 << 20;

async fn connect(server: &Server, user: &str) -> Result<Redis, conduit_redis::ConnectError> {
    let passwords = [
        ("asker", "one"),
        ("worker", "two"),
        ("third", "three"),
        ("all", "four"),
        ("staging", "five"),
    ];
    let (_, password) = passwords.iter().find(|(name, _)| *name == user).expect("a user");
    Redis::connect(server.url_as(user, password)).await
}

async fn a_service_of_a_namespace_stays_in_it(runtime: impl Runtime + Clone) -> Outcome {
    let server = server_with_rules();
    let redis = connect(&server, "staging").await?.in_namespace("staging".parse()?);
    let events = redis.events();
    let worker = builder("worker", runtime.clone(), redis.clone()).build()?;
    worker.queue_bind("echo").await?.to(|message| async move {
        let body = message.take_body()?;
        message.reply_body(body).await
    });
    let long = vec![7; LONG];
    let reply = worker.own_service().request_body("echo", long.clone()).await?;
    assert_eq!(reply.to_bytes().await?, long);
    // A request to nobody is told by a notice, which is in the namespace too.
    let error = worker.own_service().request("nothing", "text").await.map(drop);
    assert_eq!(error.expect_err("nobody").kind(), ErrorKind::NoReceivers);
    nothing_was_denied(events);
    for elsewhere in [connect(&server, "staging").await?, redis.in_namespace("other".parse()?)] {
        let conduit = builder("worker", runtime.clone(), elsewhere).build()?;
        let error = conduit.bind("news").await.map(drop).expect_err("it may not");
        assert_eq!(error.kind(), ErrorKind::Denied);
    }
    Ok(())
}

/// Fails where anything was denied that nobody waited for.
fn nothing_was_denied(mut events: impl Stream<Item = RedisEvent> + Unpin) {
    while let Some(Some(event)) = future::block_on(future::poll_once(events.next())) {
        assert!(!matches!(event, RedisEvent::Denied(_)), "{event:?}");
    }
}

async fn two_services_need_no_more(runtime: impl Runtime + Clone) -> Outcome {
    let server = server_with_rules();
    let (redis, other_redis) =
        (connect(&server, "asker").await?, connect(&server, "worker").await?);
    let events = (redis.events(), other_redis.events());
    let asker = builder("asker", runtime.clone(), redis.clone()).build()?;
    let worker = builder("worker", runtime.clone(), other_redis.clone()).build()?;
    let second = builder("worker", runtime, other_redis.clone()).build()?;
    let to = asker.service("worker");

    // One packet: to every bind, to one of a group, to one's own service.
    let (mut here, mut there) = (worker.bind("news").await?, second.bind("news").await?);
    to.send("news", "all").await?;
    for binding in [&mut here, &mut there] {
        assert_eq!(binding.next().await.ok_or("unbound")?.decode::<String>().await?, "all");
    }
    let group = (worker.queue_bind("job").await?, second.queue_bind("job").await?);
    to.send("job", "one").await?;
    let (mut one, mut two) = group;
    let job = future::or(one.next(), two.next()).await.ok_or("unbound")?;
    assert_eq!(job.text().await?, "one");
    second.own_service().send("news", "us").await?;
    assert_eq!(here.next().await.ok_or("unbound")?.text().await?, "us");
    assert_eq!(there.next().await.ok_or("unbound")?.text().await?, "us");
    one.unbind().await;
    two.unbind().await;

    // A body to everybody.
    let sending = to.send_body("news", vec![7; LONG]).expect(2);
    let read = async |binding: &mut conduit::Binding<Text>| -> Result<usize, Box<dyn Error + Send + Sync>> {
        Ok(binding.next().await.ok_or("unbound")?.to_bytes().await?.len())
    };
    let (sent, (length, other_length)) =
        future::zip(sending, future::zip(read(&mut here), read(&mut there))).await;
    assert_eq!((length?, other_length?, sent?.completed().len()), (LONG, LONG, 2));

    // Requests: short, with bodies both ways, cancelled, to nobody.
    let (began, begun) = async_channel::bounded(1);
    let (dropped, gone) = async_channel::bounded::<()>(1);
    let dropped = Arc::new(std::sync::Mutex::new(Some(dropped)));
    worker.queue_bind("echo").await?.to(|message| async move {
        let body = message.take_body()?;
        message.reply_body(body).await
    });
    worker.queue_bind("endless").await?.to(move |_message| {
        let began = began.clone();
        let dropped = dropped.lock().expect("no panic").take();
        async move {
            began.send(()).await.ok();
            let _dropped = dropped;
            future::pending::<()>().await;
        }
    });
    assert_eq!(to.request("echo", "short").await?.text().await?, "short");
    let reply = to.request_body("echo", vec![8; LONG]).await?;
    assert_eq!(reply.to_bytes().await?.len(), LONG);
    let endless = async { to.request("endless", "never").await.map(drop) };
    let cancelled = async {
        begun.recv().await.ok();
        Ok(())
    };
    future::or(endless, cancelled).await?;
    assert!(gone.recv().await.is_err(), "the handler is dropped");
    let nobody = to.request("nobody", "?").await.map(drop);
    assert_eq!(nobody.map_err(|error| error.kind()), Err(ErrorKind::NoReceivers));

    asker.close().await;
    worker.close().await;
    second.close().await;
    nothing_was_denied(events.0);
    nothing_was_denied(events.1);
    Ok(())
}

async fn what_is_not_permitted_is_denied_where_it_is_done(
    runtime: impl Runtime + Clone,
) -> Outcome {
    let server = server_with_rules();
    let worker = builder("worker", runtime.clone(), connect(&server, "worker").await?).build()?;
    let forbidden = worker.service("third");
    let denied = |error: conduit::Error| {
        assert_eq!((error.kind(), error.executed()), (ErrorKind::Denied, Executed::No), "{error}");
        assert!(format!("{error:#}").contains("conduit."), "{error:#} names the subject");
    };
    for _ in 0..3 {
        denied(forbidden.send("news", "?").await.expect_err("forbidden"));
        denied(forbidden.request("news", "?").await.map(drop).expect_err("forbidden"));
        denied(forbidden.send_body("news", vec![1; LONG]).await.expect_err("forbidden"));
        let asked = forbidden.request_body("news", vec![1; LONG]).await.map(drop);
        denied(asked.expect_err("forbidden"));
        denied(worker.bind("secret").await.map(drop).expect_err("forbidden"));
        denied(worker.queue_bind("secret").await.map(drop).expect_err("forbidden"));
    }
    // What is permitted still works.
    let mut news = worker.bind("news").await?;
    worker.own_service().send("news", "works").await?;
    assert_eq!(news.next().await.ok_or("unbound")?.text().await?, "works");

    // A service under another's name has no inbox.
    let wrong = builder("worker", runtime, connect(&server, "third").await?).build()?;
    denied(wrong.bind("news").await.map(drop).expect_err("forbidden"));
    denied(wrong.own_service().send("news", "?").await.expect_err("forbidden"));
    Ok(())
}

async fn a_subject_of_a_permitted_service_is_denied_from_the_second_time_on(
    runtime: impl Runtime,
) -> Outcome {
    let server = server_with_rules();
    let redis = connect(&server, "worker").await?;
    let mut events = redis.events();
    let worker = builder("worker", runtime, redis).build()?;
    let to = worker.service("asker");
    to.send("news", "permitted").await?;
    to.send("hidden", "lost").await?;
    while !matches!(events.next().await, Some(RedisEvent::Denied(_))) {}
    for _ in 0..3 {
        let sent = to.send("hidden", "denied").await.map(drop).map_err(|error| error.kind());
        assert_eq!(sent, Err(ErrorKind::Denied));
        to.send("news", "permitted").await?;
    }
    Ok(())
}

async fn a_reply_that_is_not_permitted_is_denied(runtime: impl Runtime + Clone) -> Outcome {
    let server = server_with_rules();
    let worker = builder("worker", runtime.clone(), connect(&server, "worker").await?).build()?;
    let third = builder("third", runtime, connect(&server, "third").await?).build()?;
    let mut jobs = worker.queue_bind("job").await?;
    let to = third.service("worker");
    let asking = async { to.request("job", "do it").timeout(Duration::from_secs(60)).await };
    let answering = async {
        let message = jobs.next().await.expect("it is bound");
        let replied = message.reply("done").await;
        Err(replied.expect_err("third's inbox is forbidden"))
    };
    // The asker can only wait.
    let error = future::or(asking, answering).await.map(drop).expect_err("no reply");
    assert_eq!(error.kind(), ErrorKind::Denied, "{error}");
    Ok(())
}

async fn a_third_hears_nothing(runtime: impl Runtime) -> Outcome {
    let server = server_with_rules();
    let asker = builder("asker", runtime, connect(&server, "asker").await?).build()?;
    let _bound = asker.bind("news").await?;
    let (service, instance) = (asker.name().clone(), asker.instance());
    let third = connect(&server, "third").await?;
    let own = Address::Inbox { service: "third".parse()?, instance };
    let _inbox = third.subscribe(&own).await?;
    let subject = |targets| Address::Subject {
        service: service.clone(),
        subject: "news".parse().expect("a subject"),
        targets,
    };
    for address in [
        subject(conduit::transport::Targets::Plain),
        subject(conduit::transport::Targets::Group),
        Address::Control { service: service.clone() },
        Address::Inbox { service: service.clone(), instance },
    ] {
        let kind = third.subscribe(&address).await.map(drop).map_err(|error| error.kind());
        assert_eq!(kind, Err(TransportErrorKind::Denied), "{address:?}");
    }
    Ok(())
}

async fn a_third_forges_no_reply(runtime: impl Runtime + Clone) -> Outcome {
    let server = server_with_rules();
    let asker = builder("asker", runtime.clone(), connect(&server, "asker").await?).build()?;
    let worker = builder("worker", runtime, connect(&server, "worker").await?).build()?;
    let spy = connect(&server, "all").await?;
    let third = connect(&server, "third").await?;
    for (redis, service) in [(&spy, "all"), (&third, "third")] {
        // An inbox gives them marks of their own.
        let own = Address::Inbox { service: service.parse()?, instance: asker.instance() };
        drop(redis.subscribe(&own).await?);
    }
    let mut jobs = worker.queue_bind("job").await?;
    let at = Address::Subject {
        service: worker.name().clone(),
        subject: "job".parse()?,
        targets: conduit::transport::Targets::Plain,
    };
    let mut wire = spy.subscribe(&at).await?;
    let inbox = Address::Inbox { service: asker.name().clone(), instance: asker.instance() };

    for (forger, believed) in [(&third, false), (&spy, true)] {
        let asking = ask(&asker);
        let forging = async {
            let message = jobs.next().await.ok_or("unbound")?;
            let packet = support::next(&mut wire).await;
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

async fn ask(asker: &Conduit<Text>) -> Result<String, Box<dyn Error + Send + Sync>> {
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

async fn permissions_may_change(runtime: impl Runtime) -> Outcome {
    let server = server_with_rules();
    let worker = builder("worker", runtime, connect(&server, "worker").await?).build()?;
    let to = worker.service("third");
    let until = async |wanted: Result<(), ErrorKind>| {
        while to.send("news", "?").await.map(drop).map_err(|error| error.kind()) != wanted {
            future::yield_now().await;
        }
    };
    until(Err(ErrorKind::Denied)).await;
    permit(&server, "worker", "two", &worker_sends_to("third"));
    until(Ok(())).await;
    permit(&server, "worker", "two", &worker_sends_to("asker"));
    until(Err(ErrorKind::Denied)).await;
    Ok(())
}
