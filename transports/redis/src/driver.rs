//! The thread that drives a connection, and makes it again when it is lost.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use async_channel::Sender;
use async_io::{Timer, block_on};
use bytes::BytesMut;
use conduit::transport::ConnectionState;
use conduit_socket::{Stream, connect_again, write_packets};
use futures_io::AsyncRead;
use futures_lite::{AsyncReadExt, FutureExt, future, io::split};

use crate::{
    ConnectError, RedisEvent,
    reply::Reply,
    servers::Servers,
    shared::Shared,
    wire::{self, READ_SIZE},
};

/// How often it is looked whether the server still says something.
const TICK: Duration = Duration::from_secs(1);

/// How often members of groups are noted again, in ticks. A third of what makes them be skipped.
const RENEWED_EACH: u32 = 2;

/// After how many ticks without a word the server is asked for one, and after how many the
/// connection is given up.
const ASKED_EACH: u32 = 5;
const GIVEN_UP_AFTER: u32 = 15;

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
    thread::Builder::new().name("conduit-redis".into()).spawn(drive).map(drop)
}

async fn run(shared: &Shared, servers: &Servers, first: &Sender<Result<(), ConnectError>>) {
    let mut wire = match shared.stopping.until_closed(wire::connect(servers)).await {
        Some(Ok(wire)) => wire,
        failed => {
            if let Some(Err(error)) = failed {
                let _ = first.try_send(Err(error));
            }
            return;
        }
    };
    let mut announced = false;
    loop {
        let connection = shared.begin();
        if !announced {
            announced = true;
            let _ = first.try_send(Ok(()));
        }
        let serving = serve(shared, wire, connection);
        let Some(why) = shared.stopping.until_closed(serving).await else {
            return;
        };
        shared.break_off(why.to_string());
        let again = connect_again(
            || wire::connect(servers),
            |why| {
                shared.connection.note(ConnectionState::Reconnecting);
                shared.announcer.announce(RedisEvent::ConnectFailed(why));
            },
        );
        match shared.stopping.until_closed(again).await {
            Some(connected) => wire = connected,
            None => return,
        }
    }
}

/// Serves a connection until it is lost.
async fn serve(shared: &Shared, stream: Stream, connection: u64) -> io::Error {
    let (reader, mut writer) = split(stream);
    let heard = AtomicBool::new(true);
    let reading = async {
        match read(shared, reader, &heard).await {
            Ok(()) => io::ErrorKind::UnexpectedEof.into(),
            Err(error) => error,
        }
    };
    let writing = write_packets(
        &mut writer,
        |spare, cx| shared.poll_take(spare, cx),
        |packets| shared.driven.wrote(|state| state.wrote(connection, packets)),
    );
    reading.or(writing).or(watch(shared, &heard)).await
}

/// Reads until the server closes the connection.
async fn read(
    shared: &Shared,
    mut reader: impl AsyncRead + Send + Unpin,
    heard: &AtomicBool,
) -> io::Result<()> {
    let mut bytes = vec![0; READ_SIZE];
    let (mut read, mut replies) = (BytesMut::new(), Vec::new());
    loop {
        let length = reader.read(&mut bytes).await?;
        if length == 0 {
            return Ok(());
        }
        heard.store(true, Ordering::Relaxed);
        read.extend_from_slice(&bytes[..length]);
        while let Some(reply) = Reply::take(&mut read).map_err(io::Error::other)? {
            replies.push(reply);
        }
        shared.handle(&mut replies).map_err(io::Error::other)?;
        if length == bytes.len() {
            // There is more. What is to be written has its turn first.
            future::yield_now().await;
        }
    }
}

/// Ends where the server says nothing any more.
async fn watch(shared: &Shared, heard: &AtomicBool) -> io::Error {
    let (mut ticks, mut quiet) = (0_u32, 0);
    loop {
        Timer::after(TICK).await;
        ticks = ticks.wrapping_add(1);
        quiet = if heard.swap(false, Ordering::Relaxed) { 0 } else { quiet + 1 };
        if quiet >= GIVEN_UP_AFTER {
            return io::Error::new(io::ErrorKind::TimedOut, "the server says nothing any more");
        }
        shared.driven.with(|state| {
            if ticks.is_multiple_of(RENEWED_EACH) {
                state.renew();
            }
            if quiet % ASKED_EACH == ASKED_EACH - 1 {
                state.mark(None);
            }
        });
    }
}
