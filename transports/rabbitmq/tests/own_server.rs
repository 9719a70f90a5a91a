//! What needs a server of its own, to be killed, or processes of its own, and what is RabbitMQ's alone.

mod support;

use std::{
    net::TcpListener,
    process::ExitCode,
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use conduit::{
    ErrorKind, Executed,
    transport::{ConnectionState, Packet, Subscription, Targets, Transport},
};
use conduit_rabbitmq::{ConnectErrorKind, RabbitMq};
use conduit_testing::{
    Broker, Half, Outcome, PATIENT, PeakAlloc, Process, Tokio, arrived, body, builder, group,
    inbox, next, process_trial, read, run, server_url, sha256, token, tokio_multi_thread, trial,
};
use futures_lite::{StreamExt, future};
use support::{Node, Server};

const LONG: u64 = 256 << 20;

/// The longest that a restart of the server may take.
const IDLE_LIMIT: Duration = Duration::from_secs(60);

/// How many packets a member may take with it.
const PREFETCH: usize = 16;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

type Test = fn() -> Outcome;

fn main() -> ExitCode {
    let tests: [(&str, Test); 10] = [
        ("what_is_sent_outlives_a_kill", || tokio_multi_thread(what_is_sent_outlives_a_kill())),
        ("a_broadcast_outlives_a_kill", || tokio_multi_thread(a_broadcast_outlives_a_kill())),
        ("a_reply_outlives_a_kill", || tokio_multi_thread(a_reply_outlives_a_kill())),
        ("a_killed_member_costs_its_prefetch", || tokio_multi_thread(a_member_is_lost("KILL"))),
        ("a_frozen_member_costs_its_prefetch", || tokio_multi_thread(a_member_is_lost("STOP"))),
        ("the_last_member_leaves", || tokio_multi_thread(the_last_member_leaves())),
        ("a_thousand_requests_to_nobody", || tokio_multi_thread(a_thousand_requests_to_nobody())),
        ("connections_that_cannot_be_made", || {
            tokio_multi_thread(connections_that_cannot_be_made())
        }),
        ("connections_are_encrypted", || tokio_multi_thread(connections_are_encrypted())),
        ("a_server_without_memory_is_blocked", || {
            tokio_multi_thread(a_server_without_memory_is_blocked())
        }),
    ];
    let mut trials: Vec<_> = tests.into_iter().map(|(name, test)| trial(name, test)).collect();
    trials.extend(process_trial("member", || tokio_multi_thread(member())));
    conduit_testing::memory_suite!(Server, into trials);
    conduit_testing::flood_suite!(Server, into trials);
    conduit_testing::fleet_suite!(Server, into trials);
    support::run(trials)
}

fn url(node: &Node) -> String {
    format!("amqp://127.0.0.1:{}", node.port())
}

async fn half(service: &str, node: &Node) -> Outcome<Half<Tokio, RabbitMq>> {
    let half = builder(service, Tokio, RabbitMq::connect(url(node)).await?);
    Ok(half.idle_limit(IDLE_LIMIT).send_timeout(IDLE_LIMIT))
}

/// Kills the server once, in the middle of a body, and starts it again at once.
struct Kill(Option<Arc<Mutex<Node>>>);

impl Kill {
    fn at_half(&mut self, received: u64) {
        if received >= LONG / 2
            && let Some(node) = self.0.take()
        {
            // Not here, where it would hold up the conduits.
            thread::spawn(move || node.lock().expect("no panic").start_again());
        }
    }
}

fn killable(node: Node) -> (Arc<Mutex<Node>>, Kill) {
    let node = Arc::new(Mutex::new(node));
    (Arc::clone(&node), Kill(Some(node)))
}

async fn what_is_sent_outlives_a_kill() -> Outcome {
    let expected = sha256(LONG);
    let node = Node::start("");
    let sender = half("sender", &node).await?.build()?;
    let receiver = half("receiver", &node).await?.build()?;
    let mut binding = receiver.queue_bind("upload").await?;
    let sent = run(&Tokio, sender.service("receiver").send_body("upload", body(LONG)));
    let message = binding.next().await.ok_or("unbound")?;
    let (_node, mut kill) = killable(node);
    assert_eq!(read(message.take_body()?, |at| kill.at_half(at)).await?, expected);
    assert!(kill.0.is_none());
    assert_eq!(sent.await?.completed(), [receiver.instance()]);
    Ok(())
}

async fn a_broadcast_outlives_a_kill() -> Outcome {
    let expected = sha256(LONG);
    let node = Node::start("");
    let sender = half("sender", &node).await?.join_window(PATIENT).lag_limit(PATIENT).build()?;
    let (mut receivers, mut bindings) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        let receiver = half("receiver", &node).await?.build()?;
        bindings.push(receiver.bind("upload").await?);
        receivers.push(receiver);
    }
    let sending = sender.service("receiver").send_body("upload", body(LONG)).expect(3);
    let sent = run(&Tokio, sending);
    let mut bodies = Vec::new();
    for binding in &mut bindings {
        bodies.push(binding.next().await.ok_or("unbound")?.take_body()?);
    }
    let (_node, mut kill) = killable(node);
    let watched = bodies.pop().ok_or("there are three")?;
    let others: Vec<_> = bodies.into_iter().map(|body| run(&Tokio, read(body, |_| {}))).collect();
    assert_eq!(read(watched, |at| kill.at_half(at)).await?, expected);
    assert!(kill.0.is_none());
    for other in others {
        assert_eq!(other.await?, expected);
    }
    let sent = sent.await?;
    assert_eq!((sent.completed().len(), sent.failed().len()), (3, 0), "{sent:?}");
    Ok(())
}

async fn a_reply_outlives_a_kill() -> Outcome {
    let expected = sha256(LONG);
    let node = Node::start("");
    let asker = half("asker", &node).await?.build()?;
    let worker = half("worker", &node).await?.build()?;
    let handler = worker.queue_bind("download").await?;
    handler.to(async |message| message.reply_body(body(LONG)).await);
    let reply = asker.service("worker").request("download", "all of it").no_timeout().await?;
    let (_node, mut kill) = killable(node);
    assert_eq!(read(reply.take_body()?, |at| kill.at_half(at)).await?, expected);
    assert!(kill.0.is_none());
    Ok(())
}

/// A member of a group that takes one packet and then no more.
async fn member() -> Outcome {
    let rabbitmq = Server::connect_to(server_url()).await?;
    let mut packets = rabbitmq.subscribe(&group("work")).await?;
    eprintln!("bound");
    packets.next().await;
    eprintln!("taken");
    future::pending::<()>().await;
    Ok(())
}

async fn a_member_is_lost(signal: &str) -> Outcome {
    const PACKETS: usize = 5_000;
    let server = Server::start();
    let rabbitmq = server.connect().await?;
    let mut packets = rabbitmq.subscribe(&group("work")).await?;
    let other = Process::start("member", &server.url());
    other.says("bound").await;
    for number in 0..PACKETS {
        if number == PACKETS / 2 {
            other.says("taken").await;
            other.signal(signal);
        }
        rabbitmq.publish(&group("work"), "job".into(), None).await?;
    }
    rabbitmq.flush().await?;
    // What comes last stands behind all that another member did not hold.
    let mut received = 0;
    while received < PACKETS - 1 - PREFETCH {
        assert_eq!(next(&mut packets).await, b"job");
        received += 1;
    }
    Ok(())
}

async fn the_last_member_leaves() -> Outcome {
    let server = Server::start();
    let rabbitmq = server.connect().await?;
    let mut notices = rabbitmq.subscribe(&inbox(1)).await?;
    let mut first = rabbitmq.subscribe(&group("work")).await?;
    for _ in 0..3 * PREFETCH {
        rabbitmq.publish(&group("work"), "first".into(), None).await?;
    }
    first.leave().await?;
    for _ in 0..3 * PREFETCH {
        assert_eq!(next(&mut first).await, b"first");
    }
    assert_eq!(first.next().await, None);
    let undelivered = token(1, Targets::Group);
    rabbitmq.publish(&group("work"), "nobody".into(), Some((&inbox(1), undelivered))).await?;
    assert_eq!(notices.next().await, Some(Packet::Undelivered(undelivered)));
    let mut later = rabbitmq.subscribe(&group("work")).await?;
    rabbitmq.publish(&group("work"), "later".into(), None).await?;
    assert_eq!(next(&mut later).await, b"later");
    assert_eq!(arrived(&mut later).await, None);
    Ok(())
}

async fn a_thousand_requests_to_nobody() -> Outcome {
    let server = Server::start();
    let asker = builder("asker", Tokio, server.connect().await?).build()?;
    for _ in 0..1_000 {
        let error = asker.service("nobody").request("job", "?").await.map(drop);
        let error = error.expect_err("nobody listens");
        assert_eq!((error.kind(), error.executed()), (ErrorKind::NoReceivers, Executed::No));
    }
    Ok(())
}

async fn connections_that_cannot_be_made() -> Outcome {
    let node = support::shared();
    let kind = async |url: String| match RabbitMq::connect(&url).await {
        Ok(_) => panic!("a connection to {url}"),
        Err(error) => {
            let shown = format!("{error} {error:?} {error:#}");
            assert!(!shown.contains("not-the-password"), "{shown}");
            error.kind()
        }
    };
    let at = format!("127.0.0.1:{}", node.port());
    let wrong = kind(format!("amqp://guest:not-the-password@{at}")).await;
    assert_eq!(wrong, ConnectErrorKind::Unauthorized);
    assert_eq!(kind(format!("amqp://{at}/nothing")).await, ConnectErrorKind::Unauthorized);
    assert_eq!(kind(format!("http://{at}")).await, ConnectErrorKind::InvalidUrl);
    // Bound and given back: nobody listens there.
    let free = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    assert_eq!(kind(format!("amqp://{free}")).await, ConnectErrorKind::Unreachable);
    let silent = TcpListener::bind("127.0.0.1:0")?;
    let silent = format!("amqp://{}", silent.local_addr()?);
    assert_eq!(kind(silent).await, ConnectErrorKind::TimedOut);
    // The first of several that can be used.
    RabbitMq::connect_with(RabbitMq::options(), [format!("amqp://{free}"), url(&node)]).await?;
    Ok(())
}

async fn connections_are_encrypted() -> Outcome {
    let node = support::shared();
    let url = format!("amqps://localhost:{}", node.tls_port());
    let trusting = RabbitMq::options().add_root_certificates(node.certificates.path("ca.pem"));
    let rabbitmq = RabbitMq::connect_with(trusting, [&url]).await?;
    let rabbitmq = rabbitmq.in_namespace(support::fresh_namespace().parse()?);
    let mut packets = rabbitmq.subscribe(&inbox(1)).await?;
    rabbitmq.publish(&inbox(1), vec![7; 100_000].into(), None).await?;
    assert_eq!(next(&mut packets).await, vec![7; 100_000]);
    let error = RabbitMq::connect(&url).await.expect_err("the authority is unknown");
    assert_eq!(error.kind(), ConnectErrorKind::Tls);
    Ok(())
}

async fn a_server_without_memory_is_blocked() -> Outcome {
    let node = Node::start("");
    let rabbitmq = RabbitMq::connect(url(&node)).await?;
    let mut packets = rabbitmq.subscribe(&inbox(1)).await?;
    rabbitmq.publish(&inbox(1), "before".into(), None).await?;
    assert_eq!(next(&mut packets).await, b"before");
    node.evaluate("vm_memory_monitor:set_vm_memory_high_watermark({absolute, 1}).");
    // The server says so to who publishes.
    let connection = rabbitmq.connection().ok_or("it has one")?;
    rabbitmq.publish(&inbox(1), "meanwhile".into(), None).await?;
    while connection.state() != ConnectionState::Blocked {
        future::yield_now().await;
    }
    let to = inbox(1);
    let mut ready = Box::pin(rabbitmq.ready(&to));
    assert!(future::poll_once(&mut ready).await.is_none());
    node.evaluate("vm_memory_monitor:set_vm_memory_high_watermark({absolute, 4000000000}).");
    ready.await?;
    assert_eq!(connection.state(), ConnectionState::Connected);
    assert_eq!(next(&mut packets).await, b"meanwhile");
    Ok(())
}
