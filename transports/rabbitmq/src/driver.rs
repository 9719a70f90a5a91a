//! The thread that drives the two connections, and makes them again when one is lost.

use std::{
    future::poll_fn,
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::Poll,
    thread,
    time::Duration,
};

use async_channel::Sender;
use async_io::{Timer, block_on};
use bytes::BytesMut;
use conduit::transport::ConnectionState;
use conduit_socket::{connect_again, write_packets};
use futures_io::{AsyncRead, AsyncWrite};
use futures_lite::{AsyncWriteExt, FutureExt, future, io::split};

use crate::{
    ConnectError, RabbitEvent,
    frame::Frame,
    method,
    servers::Servers,
    shared::Shared,
    state::Side,
    wire::{self, HEARTBEAT, READ_SIZE, Wires},
};

/// How often it is looked whether the server still says something.
const TICK: Duration = Duration::from_secs(1);

/// After how many ticks this side says that it is alive.
const BEAT_EACH: u32 = 2;

/// How long the server is given to take the last that is written.
const GOODBYE: Duration = Duration::from_secs(1);

/// Starts the thread, which tells how the first attempt to connect has ended.
pub(crate) fn start(
    shared: Arc<Shared>,
    servers: Servers,
    first: Sender<Result<(), ConnectError>>,
) -> io::Result<()> {
    let drive = move || {
        block_on(run(&shared, &servers, &first));
        shared.end();
    };
    thread::Builder::new().name("conduit-rabbitmq".into()).spawn(drive).map(drop)
}

async fn run(shared: &Shared, servers: &Servers, first: &Sender<Result<(), ConnectError>>) {
    let mut wires = match shared.stopping.until_closed(wire::connect(servers)).await {
        Some(Ok(wires)) => wires,
        failed => {
            if let Some(Err(error)) = failed {
                let _ = first.try_send(Err(error));
            }
            return;
        }
    };
    loop {
        let Wires { publishing, consuming, agreed } = wires;
        let connection = shared.begin(&agreed);
        let (publishing, consuming) = (split(publishing), split(consuming));
        let mut writers = [publishing.1, consuming.1];
        let serving = serve(shared, [publishing.0, consuming.0], &mut writers, connection);
        let told = async {
            // It is only of use once what is needed of the server is there.
            if shared.driven.connected().await.is_ok() {
                let _ = first.try_send(Ok(()));
            }
            future::pending().await
        };
        let Some(why) = shared.stopping.until_closed(serving.or(told)).await else {
            say_goodbye(&mut writers).await;
            return;
        };
        shared.break_off(why.to_string());
        let again = connect_again(
            || wire::connect(servers),
            |why| {
                shared.connection.note(ConnectionState::Reconnecting);
                shared.announcer.announce(RabbitEvent::ConnectFailed(why));
            },
        );
        match shared.stopping.until_closed(again).await {
            Some(connected) => wires = connected,
            None => return,
        }
    }
}

/// Serves the connections until one is lost.
async fn serve<R, W>(
    shared: &Shared,
    readers: [R; 2],
    writers: &mut [W; 2],
    connection: u64,
) -> io::Error
where
    R: AsyncRead + Send + Unpin,
    W: AsyncWrite + Send + Unpin,
{
    let heard = [AtomicBool::new(true), AtomicBool::new(true)];
    let [publishing, consuming] = writers;
    let reading = async {
        match read(shared, readers, &heard).await {
            Ok(()) => io::ErrorKind::UnexpectedEof.into(),
            Err(error) => error,
        }
    };
    let publishing = write(shared, publishing, Side::Publishing, connection);
    let consuming = write(shared, consuming, Side::Consuming, connection);
    reading.or(publishing).or(consuming).or(watch(shared, &heard)).await
}

async fn write(
    shared: &Shared,
    writer: &mut (impl AsyncWrite + Send + Unpin),
    side: Side,
    connection: u64,
) -> io::Error {
    write_packets(
        writer,
        |spare, cx| shared.poll_take(side, spare, cx),
        |packets| shared.driven.wrote(|state| state.wrote(connection, packets)),
    )
    .await
}

/// Reads until the server closes a connection. What it says of what was published comes first: it was
/// said before what it has led to arrives.
async fn read<R: AsyncRead + Send + Unpin>(
    shared: &Shared,
    [mut publishing, mut consuming]: [R; 2],
    heard: &[AtomicBool; 2],
) -> io::Result<()> {
    let mut bytes = [vec![0; READ_SIZE], vec![0; READ_SIZE]];
    let mut read = [BytesMut::new(), BytesMut::new()];
    let mut arrived: Option<io::Result<usize>> = None;
    let mut frames = Vec::new();
    loop {
        let [said, delivered] = &mut bytes;
        let (side, length) = poll_fn(|cx| {
            if arrived.is_none()
                && let Poll::Ready(length) = Pin::new(&mut consuming).poll_read(cx, delivered)
            {
                arrived = Some(length);
            }
            if let Poll::Ready(length) = Pin::new(&mut publishing).poll_read(cx, said) {
                return Poll::Ready((Side::Publishing, length));
            }
            match arrived.take() {
                Some(length) => Poll::Ready((Side::Consuming, length)),
                None => Poll::Pending,
            }
        })
        .await;
        let length = length?;
        if length == 0 {
            return Ok(());
        }
        heard[side as usize].store(true, Ordering::Relaxed);
        let read = &mut read[side as usize];
        read.extend_from_slice(&bytes[side as usize][..length]);
        while let Some(frame) = Frame::take(read).map_err(io::Error::other)? {
            frames.push(frame);
        }
        shared.handle(side, &mut frames).map_err(io::Error::other)?;
        if length == READ_SIZE {
            // There is more. What is to be written has its turn first.
            future::yield_now().await;
        }
    }
}

/// Ends where the server says nothing any more, and says that this side is alive.
async fn watch(shared: &Shared, heard: &[AtomicBool; 2]) -> io::Error {
    let (mut ticks, mut quiet) = (0_u32, [0; 2]);
    loop {
        Timer::after(TICK).await;
        ticks = ticks.wrapping_add(1);
        for (quiet, heard) in quiet.iter_mut().zip(heard) {
            *quiet = if heard.swap(false, Ordering::Relaxed) { 0 } else { *quiet + 1 };
            // A server beats twice in its time.
            if *quiet > 2 * HEARTBEAT {
                return io::Error::new(io::ErrorKind::TimedOut, "the server says nothing any more");
            }
        }
        if ticks.is_multiple_of(BEAT_EACH) {
            shared.driven.with(crate::state::State::beat);
        }
    }
}

/// Tells the server that the connections end.
async fn say_goodbye(writers: &mut [impl AsyncWrite + Send + Unpin; 2]) {
    let mut goodbye = Vec::new();
    method::close_connection(&mut goodbye);
    let saying = async {
        for writer in writers {
            if writer.write_all(&goodbye).await.is_ok() {
                let _ = writer.close().await;
            }
        }
    };
    let late = async {
        Timer::after(GOODBYE).await;
    };
    saying.or(late).await;
}
