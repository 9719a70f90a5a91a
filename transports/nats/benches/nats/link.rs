//! A link to the server with a delay and a limited rate, and what goes over it.

use std::{
    io::{self, Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use conduit_bench::{Bench, Under};

use crate::{requests, streams, world::World};

/// How long a byte is on the way, in one direction.
const DELAY: Duration = Duration::from_millis(5);
/// Bytes a second that a connection carries, in each direction.
const RATE: f64 = 8e6;
/// What is read at once.
const PIECE: usize = 16 << 10;
/// How many pieces may be on the way: more than the delay takes.
const ON_THE_WAY: usize = 64;

pub(crate) fn run(bench: &mut Bench, under: Under, server: &str) {
    let world = World::new(under, link(server).expect("a proxy"));
    requests::one(bench, &world, "request over a slow link, 8 in flight", 8, 400);
    let length = bench.options().amount(8 << 20);
    let name = "stream over a slow link";
    streams::one(bench, &world, name, length, 1, streams::to_bindings);
}

/// Returns the URL of a proxy in front of a server.
fn link(server: &str) -> io::Result<String> {
    let server = server.trim_start_matches("nats://").to_owned();
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let url = format!("nats://{}", listener.local_addr()?);
    thread::spawn(move || -> io::Result<()> {
        for client in listener.incoming() {
            let (client, server) = (client?, TcpStream::connect(&server)?);
            for one in [&client, &server] {
                one.set_nodelay(true)?;
            }
            carry(client.try_clone()?, server.try_clone()?);
            carry(server, client);
        }
        Ok(())
    });
    Ok(url)
}

/// Carries what comes in one direction.
fn carry(mut from: TcpStream, mut to: TcpStream) {
    let (sender, arriving) = mpsc::sync_channel::<(Instant, Vec<u8>)>(ON_THE_WAY);
    thread::spawn(move || {
        let mut free_at = Instant::now();
        loop {
            let mut piece = vec![0; PIECE];
            let Ok(length @ 1..) = from.read(&mut piece) else { return };
            piece.truncate(length);
            #[expect(clippy::cast_precision_loss, reason = "it is small")]
            let takes = Duration::from_secs_f64(length as f64 / RATE);
            // It has to wait until the link has carried what came before.
            free_at = free_at.max(Instant::now()) + takes;
            if sender.send((free_at + DELAY, piece)).is_err() {
                return;
            }
        }
    });
    thread::spawn(move || {
        while let Ok((at, piece)) = arriving.recv() {
            thread::sleep(at.saturating_duration_since(Instant::now()));
            if to.write_all(&piece).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Both);
    });
}
