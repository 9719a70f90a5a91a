//! What the server takes of commands that are written by hand, on two sockets: a plain PUBLISH, and
//! nothing else. The other numbers are to be seen beside these.

use std::{
    io::{self, Read, Write},
    net::TcpStream,
    thread,
    time::Instant,
};

use conduit_bench::{Bench, Unit};

const CHANNEL: &str = "by.hand";

pub(crate) fn run(bench: &mut Bench, port: u16) {
    for (case, size, count) in [
        ("PUBLISH by hand, 128 B", 128, 200_000_u64),
        ("PUBLISH by hand, 16 KiB", 16 << 10, 20_000),
    ] {
        if !bench.wants(case) {
            continue;
        }
        let count = bench.options().amount(count);
        let rounds = bench.options().rounds.max(1);
        let rates: Vec<_> =
            (0..rounds).map(|_| rate(port, size, count).expect("the server answers")).collect();
        bench.single(case, Unit::PerSecond.into(), &rates);
    }
}

#[allow(clippy::cast_precision_loss)]
fn rate(port: u16, size: usize, count: u64) -> io::Result<f64> {
    let mut receiver = TcpStream::connect(("127.0.0.1", port))?;
    write!(receiver, "SUBSCRIBE {CHANNEL}\r\n")?;
    let confirmed = "*3\r\n$9\r\nsubscribe\r\n$7\r\nby.hand\r\n:1\r\n".len();
    receiver.read_exact(&mut vec![0; confirmed])?;
    let sender = TcpStream::connect(("127.0.0.1", port))?;
    let mut replies = sender.try_clone()?;
    let start = Instant::now();
    let sending = thread::spawn(move || -> io::Result<()> {
        let mut sender = io::BufWriter::with_capacity(64 << 10, sender);
        let packet = vec![7; size];
        for _ in 0..count {
            write!(sender, "*3\r\n$7\r\nPUBLISH\r\n$7\r\n{CHANNEL}\r\n${size}\r\n")?;
            sender.write_all(&packet)?;
            sender.write_all(b"\r\n")?;
        }
        sender.flush()
    });
    let confirming = thread::spawn(move || swallow(&mut replies, count * 4));
    let message = "*3\r\n$7\r\nmessage\r\n$7\r\nby.hand\r\n\r\n".len() + size;
    let head = format!("${size}\r\n").len();
    swallow(&mut receiver, count * (message + head) as u64)?;
    sending.join().expect("no panic")?;
    confirming.join().expect("no panic")?;
    Ok(count as f64 / start.elapsed().as_secs_f64())
}

/// Reads so many bytes.
fn swallow(from: &mut TcpStream, mut left: u64) -> io::Result<()> {
    let mut bytes = vec![0; 64 << 10];
    while left > 0 {
        let length = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
        let read = from.read(&mut bytes[..length])?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        left -= read as u64;
    }
    Ok(())
}
