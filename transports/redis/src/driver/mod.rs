//! The thread that drives the connection to a server, and makes it again when it is lost.

mod cluster;

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
use conduit_socket::{Stream, connect_again, write_packets};
use futures_io::AsyncRead;
use futures_lite::{AsyncReadExt, FutureExt, future, io::split};

use crate::{
    ConnectError, RedisEvent,
    reply::Reply,
    shared::Shared,
    state::{NodeId, State},
    wire::READ_SIZE,
};

/// How often it is looked whether the server still says something.
const TICK: Duration = Duration::from_secs(1);

/// How often members of groups are noted again, in ticks. A third of what makes them be skipped.
const RENEWED_EACH: u32 = 2;

/// After how many ticks without a word the server is asked for one, and after how many the
/// connection is given up.
const ASKED_EACH: u32 = 5;
const GIVEN_UP_AFTER: u32 = 15;

/// Starts the first thread, which tells how the first attempt to connect has ended.
pub(crate) fn start(
    shared: Arc<Shared>,
    first: Sender<Result<(), ConnectError>>,
) -> io::Result<()> {
    spawn(async move {
        match shared.stopping.until_closed(cluster::connect_first(&shared)).await {
            Some(Ok((node, stream))) => run(&shared, node, Some((stream, first))).await,
            Some(Err(error)) => {
                let _ = first.try_send(Err(error));
                shared.end();
            }
            None => shared.end(),
        }
    })
}

/// Starts a thread for each server of a cluster that wants one.
pub(crate) fn open(shared: &Arc<Shared>) {
    let opening = shared.driven.with(State::take_opening);
    for node in opening {
        let driven = Arc::clone(shared);
        if let Err(error) = spawn(async move { run(&driven, node, None).await }) {
            shared.driven.with(|state| state.not_driven(node));
            shared.announcer.announce(RedisEvent::ConnectFailed(error.to_string()));
        }
    }
}

fn spawn(drive: impl Future<Output = ()> + Send + 'static) -> io::Result<()> {
    let name = "conduit-redis".to_owned();
    thread::Builder::new().name(name).spawn(move || block_on(drive)).map(drop)
}

/// Drives the connection to a server, which may be there already, as long as it is wanted.
async fn run(
    shared: &Arc<Shared>,
    node: NodeId,
    mut first: Option<(Stream, Sender<Result<(), ConnectError>>)>,
) {
    loop {
        let (stream, told) = match first.take() {
            Some((stream, first)) => (stream, Some(first)),
            None => {
                let again = connect_again(
                    || cluster::connect(shared, node),
                    |why| shared.connect_failed(node, why),
                );
                match shared.stopping.until_closed(again).await {
                    Some(Some(stream)) => (stream, None),
                    Some(None) => return,
                    None => return shared.end(),
                }
            }
        };
        let Some(connection) = shared.begin(node) else { return };
        if let Some(first) = told {
            let _ = first.try_send(Ok(()));
        }
        let serving = serve(shared, stream, node, connection);
        match shared.stopping.until_closed(serving).await {
            Some(why) => shared.break_off(node, why.to_string()),
            None => return shared.end(),
        }
    }
}

/// Serves a connection until it is lost.
async fn serve(shared: &Arc<Shared>, stream: Stream, node: NodeId, connection: u64) -> io::Error {
    let (reader, mut writer) = split(stream);
    let heard = AtomicBool::new(true);
    let reading = async {
        match read(shared, node, reader, &heard).await {
            Ok(()) => io::ErrorKind::UnexpectedEof.into(),
            Err(error) => error,
        }
    };
    let writing = write_packets(
        &mut writer,
        |spare, cx| shared.poll_take(node, spare, cx),
        |packets| shared.driven.wrote(|state| state.wrote(node, connection, packets)),
    );
    reading.or(writing).or(watch(shared, node, &heard)).await
}

/// Reads until the server closes the connection.
async fn read(
    shared: &Shared,
    node: NodeId,
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
        shared.handle(node, &mut replies).map_err(io::Error::other)?;
        if length == bytes.len() {
            // There is more. What is to be written has its turn first.
            future::yield_now().await;
        }
    }
}

/// Ends where the server says nothing any more.
async fn watch(shared: &Shared, node: NodeId, heard: &AtomicBool) -> io::Error {
    let (mut ticks, mut quiet) = (0_u32, 0);
    loop {
        Timer::after(TICK).await;
        ticks = ticks.wrapping_add(1);
        quiet = if heard.swap(false, Ordering::Relaxed) { 0 } else { quiet + 1 };
        if quiet >= GIVEN_UP_AFTER {
            return io::Error::new(io::ErrorKind::TimedOut, "the server says nothing any more");
        }
        let is_wanted = shared.driven.with(|state| {
            if ticks.is_multiple_of(RENEWED_EACH) {
                state.renew(node);
                state.tick(node);
            }
            if quiet % ASKED_EACH == ASKED_EACH - 1 {
                state.ask(node);
            }
            state.is_known(node)
        });
        if !is_wanted {
            return io::Error::other("it has no slots any more");
        }
        // What was stuck may not count any more.
        shared.driven.wrote(|_| ());
    }
}
