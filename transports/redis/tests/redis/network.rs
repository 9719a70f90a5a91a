//! Networks that encrypt, are cut, and are slow.

use std::{
    io,
    net::{Shutdown, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use conduit::transport::{ConnectionState, Transport};
use conduit_redis::{ConnectErrorKind, Redis, RedisEvent};
use conduit_smol::Smol;
use futures_lite::StreamExt;

use crate::support::{
    Certificates, Outcome, Proxy, Server, between, builder, encrypted, inbox, next, run,
    under_every_runtime,
};

under_every_runtime!(
    an_encrypted_connection_to_a_server_that_is_trusted,
    a_server_that_asks_for_a_certificate,
);

async fn an_encrypted_connection_to_a_server_that_is_trusted() -> Outcome {
    let server = Server::start();
    let (ours, theirs) = (Certificates::new(), Certificates::new());
    let url = format!("rediss://localhost:{}", encrypted(&server, &ours, false)?);
    let options = |of: &Certificates| Redis::options().add_root_certificates(of.path("ca.pem"));
    let redis = Redis::connect_with(options(&ours), [&url]).await?;
    let mut packets = redis.subscribe(&inbox(1)).await?;
    let long = vec![7; 1 << 20];
    for _ in 0..20 {
        redis.publish(&inbox(1), long.clone().into(), None).await?;
        assert_eq!(next(&mut packets).await, long);
    }
    for wrong in [options(&theirs), Redis::options(), options(&ours).timeout(Duration::ZERO)] {
        let error =
            Redis::connect_with(wrong, [&url]).await.expect_err("not trusted, or in no time");
        let kinds = [ConnectErrorKind::Tls, ConnectErrorKind::TimedOut];
        assert!(kinds.contains(&error.kind()), "{error:?}");
    }
    let missing = Redis::options().add_root_certificates("nowhere.pem");
    let error = Redis::connect_with(missing, [&url]).await.expect_err("there is no such file");
    assert_eq!(error.kind(), ConnectErrorKind::Tls);
    Ok(())
}

async fn a_server_that_asks_for_a_certificate() -> Outcome {
    let server = Server::start();
    let (ours, theirs) = (Certificates::new(), Certificates::new());
    let url = format!("rediss://localhost:{}", encrypted(&server, &ours, true)?);
    let options = Redis::options().add_root_certificates(ours.path("ca.pem"));
    let with = |of: &Certificates| {
        options.clone().client_certificate(of.path("client.pem"), of.path("client.key"))
    };
    Redis::connect_with(with(&ours), [&url]).await?;
    for wrong in [with(&theirs), options.clone()] {
        Redis::connect_with(wrong, [&url]).await.map(drop).expect_err("it is not the right one");
    }
    Ok(())
}

/// A network that can be cut: what it takes then never arrives, and nobody is told.
#[test]
fn a_cut_network_is_noticed_and_gone_around() -> Outcome {
    crate::support::smol(async {
        let server = Server::start();
        let cut = Arc::new(AtomicBool::new(false));
        let switch = Arc::clone(&cut);
        let port = between(&server, move |client, server| {
            // What connects after the cut gets through.
            let cut =
                if switch.load(Ordering::SeqCst) { Arc::default() } else { Arc::clone(&switch) };
            for (from, to) in [(&client, &server), (&server, &client)] {
                let both = from.try_clone().and_then(|from| Ok((from, to.try_clone()?)));
                let (mut from, mut to) = both.expect("sockets can be cloned");
                let cut = Arc::clone(&cut);
                thread::spawn(move || forward(&mut from, &mut to, &cut));
            }
        })?;
        let redis = Redis::connect(format!("redis://127.0.0.1:{port}")).await?;
        let mut events = redis.events();
        let mut packets = redis.subscribe(&inbox(1)).await?;
        redis.publish(&inbox(1), "before".into(), None).await?;
        assert_eq!(next(&mut packets).await, b"before");
        cut.store(true, Ordering::SeqCst);
        redis.publish(&inbox(1), "lost".into(), None).await?;
        while !matches!(events.next().await, Some(RedisEvent::Disconnected(_))) {}
        redis.publish(&inbox(1), "after".into(), None).await?;
        assert_eq!(next(&mut packets).await, b"after");
        let state = redis.connection().expect("it has one").state();
        assert_eq!(state, ConnectionState::Connected);
        Ok(())
    })
}

/// Passes bytes on, until they are swallowed.
fn forward(from: &mut TcpStream, to: &mut TcpStream, swallows: &AtomicBool) {
    let mut bytes = vec![0; 16 << 10];
    while let Ok(length @ 1..) = io::Read::read(from, &mut bytes) {
        if !swallows.load(Ordering::SeqCst) && io::Write::write_all(to, &bytes[..length]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
}

/// Forty bodies to a receiver whose link takes twice the idle limit for them: the server, which is less
/// patient than by default, never finds it too far behind.
#[test]
fn bodies_over_a_slow_link_arrive() -> Outcome {
    const LENGTH: u64 = 150_000;
    const COUNT: usize = 40;
    const BYTES_A_SECOND: u32 = 1_000_000;
    const IDLE: Duration = Duration::from_secs(3);
    crate::support::smol(async move {
        let server = Server::with(&["--client-output-buffer-limit", "pubsub", "8mb", "8mb", "1"]);
        let proxy = Proxy::start(&server.url(), BYTES_A_SECOND).await?;
        let redis = Redis::connect(proxy.url()).await?;
        let events = redis.events();
        let receiver = builder("receiver", Smol, redis).idle_limit(IDLE).build()?;
        let sender = builder("sender", Smol, Redis::connect(server.url()).await?);
        let sender = sender.idle_limit(IDLE).build()?;
        let mut binding = receiver.queue_bind("upload").await?;
        let digest = crate::support::sha256(LENGTH);
        let upload =
            || sender.service("receiver").send_body("upload", crate::support::body(LENGTH));
        let sent: Vec<_> = (0..COUNT).map(|_| run(&Smol, upload())).collect();
        let mut reading = Vec::new();
        for _ in 0..COUNT {
            let body = binding.next().await.expect("it is bound").take_body()?;
            reading.push(run(&Smol, crate::support::read(body, |_| {})));
        }
        for read in reading {
            assert_eq!(read.await?, digest);
        }
        for sent in sent {
            assert_eq!(sent.await?.completed().len(), 1);
        }
        let lost = futures_lite::future::block_on(futures_lite::future::poll_once(
            events.filter(|event| matches!(event, RedisEvent::Disconnected(_))).next(),
        ));
        assert_eq!(lost, None);
        Ok(())
    })
}
