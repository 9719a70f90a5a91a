//! Conduits under exactly the permissions that the documentation of a transport names, and under less.

mod forging;

use std::{sync::Arc, time::Duration};

use conduit::{
    ErrorKind, Executed, Runtime,
    transport::{Address, Targets, Transport, TransportErrorKind},
};
use futures_lite::{Stream, StreamExt, future};

pub use self::forging::a_third_forges_no_reply;
use crate::{Guarded, Outcome, Text, builder};

/// Runs the tests of [`permitted`](crate::suites::permitted) against a
/// [`Guarded`](crate::Guarded) broker.
#[macro_export]
macro_rules! permitted_suite {
    ($($how:tt)+) => {
        $crate::with_every_runtime! {
            permitted for $($how)+:
            two_services_need_no_more,
            a_service_of_a_namespace_stays_in_it,
            what_is_not_permitted_is_denied_where_it_is_done,
            a_subject_of_a_permitted_service_is_denied_from_the_second_time_on,
            a_reply_that_is_not_permitted_is_denied,
            a_third_hears_nothing,
            a_third_forges_no_reply,
            permissions_may_change,
        }
    };
}

/// Longer than a packet, a first window and a window.
const LONG: usize = 3 << 20;

pub async fn a_service_of_a_namespace_stays_in_it<B: Guarded>(
    runtime: impl Runtime + Clone,
) -> Outcome {
    let server = B::start_guarded();
    let transport = B::in_namespace(&server.connect_as("staging").await?, "staging".parse()?);
    let events = B::denials(&transport);
    let worker = builder("worker", runtime.clone(), transport.clone()).build()?;
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
    for elsewhere in
        [server.connect_as("staging").await?, B::in_namespace(&transport, "other".parse()?)]
    {
        let conduit = builder("worker", runtime.clone(), elsewhere).build()?;
        let error = conduit.bind("news").await.map(drop).expect_err("it may not");
        assert_eq!(error.kind(), ErrorKind::Denied);
    }
    Ok(())
}

/// Fails where anything was denied that nobody waited for.
fn nothing_was_denied(mut events: impl Stream<Item = bool> + Unpin) {
    while let Some(Some(denied)) = future::block_on(future::poll_once(events.next())) {
        assert!(!denied);
    }
}

pub async fn two_services_need_no_more<B: Guarded>(runtime: impl Runtime + Clone) -> Outcome {
    let server = B::start_guarded();
    let (transport, other) =
        (server.connect_as("asker").await?, server.connect_as("worker").await?);
    let events = (B::denials(&transport), B::denials(&other));
    let asker = builder("asker", runtime.clone(), transport.clone()).build()?;
    let worker = builder("worker", runtime.clone(), other.clone()).build()?;
    let second = builder("worker", runtime, other.clone()).build()?;
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
    let read = async |binding: &mut conduit::Binding<Text>| -> Outcome<usize> {
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

pub async fn what_is_not_permitted_is_denied_where_it_is_done<B: Guarded>(
    runtime: impl Runtime + Clone,
) -> Outcome {
    let server = B::start_guarded();
    let worker = builder("worker", runtime.clone(), server.connect_as("worker").await?).build()?;
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
    let wrong = builder("worker", runtime, server.connect_as("third").await?).build()?;
    denied(wrong.bind("news").await.map(drop).expect_err("forbidden"));
    denied(wrong.own_service().send("news", "?").await.expect_err("forbidden"));
    Ok(())
}

pub async fn a_subject_of_a_permitted_service_is_denied_from_the_second_time_on<B: Guarded>(
    runtime: impl Runtime,
) -> Outcome {
    let server = B::start_guarded();
    let transport = server.connect_as("worker").await?;
    let mut events = B::denials(&transport);
    let worker = builder("worker", runtime, transport).build()?;
    let to = worker.service("asker");
    to.send("news", "permitted").await?;
    // The broker may have refused it before the send returns.
    if let Err(error) = to.send("hidden", "lost").await {
        assert_eq!(error.kind(), ErrorKind::Denied);
    }
    while events.next().await != Some(true) {}
    for _ in 0..3 {
        let sent = to.send("hidden", "denied").await.map(drop).map_err(|error| error.kind());
        assert_eq!(sent, Err(ErrorKind::Denied));
        to.send("news", "permitted").await?;
    }
    Ok(())
}

pub async fn a_reply_that_is_not_permitted_is_denied<B: Guarded>(
    runtime: impl Runtime + Clone,
) -> Outcome {
    let server = B::start_guarded();
    let worker = builder("worker", runtime.clone(), server.connect_as("worker").await?).build()?;
    let third = builder("third", runtime, server.connect_as("third").await?).build()?;
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

pub async fn a_third_hears_nothing<B: Guarded>(runtime: impl Runtime) -> Outcome {
    let server = B::start_guarded();
    let asker = builder("asker", runtime, server.connect_as("asker").await?).build()?;
    let _bound = asker.bind("news").await?;
    let (service, instance) = (asker.name().clone(), asker.instance());
    let third = server.connect_as("third").await?;
    let own = Address::Inbox { service: "third".parse()?, instance };
    let _inbox = third.subscribe(&own).await?;
    let subject = |targets| Address::Subject {
        service: service.clone(),
        subject: "news".parse().expect("a subject"),
        targets,
    };
    for address in [
        subject(Targets::Plain),
        subject(Targets::Group),
        Address::Control { service: service.clone() },
        Address::Inbox { service: service.clone(), instance },
    ] {
        let kind = third.subscribe(&address).await.map(drop).map_err(|error| error.kind());
        assert_eq!(kind, Err(TransportErrorKind::Denied), "{address:?}");
    }
    Ok(())
}

pub async fn permissions_may_change<B: Guarded>(runtime: impl Runtime) -> Outcome {
    let server = B::start_guarded();
    let worker = builder("worker", runtime, server.connect_as("worker").await?).build()?;
    let to = worker.service("third");
    let until = async |wanted: Result<(), ErrorKind>| {
        while to.send("news", "?").await.map(drop).map_err(|error| error.kind()) != wanted {
            future::yield_now().await;
        }
    };
    until(Err(ErrorKind::Denied)).await;
    server.permit_worker("third");
    until(Ok(())).await;
    server.permit_worker("asker");
    until(Err(ErrorKind::Denied)).await;
    Ok(())
}
