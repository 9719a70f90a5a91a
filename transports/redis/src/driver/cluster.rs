//! Which servers there are to connect to: one, or those of a cluster, which are asked who has which slots.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use async_io::Timer;
use conduit_socket::Stream;

use super::{open, spawn};
use crate::{
    ConnectError, ConnectErrorKind, RedisEvent,
    shared::Shared,
    state::{NodeId, State},
    wire::{self, Mode},
};

/// How long it takes until a cluster is asked again, as long as that is of no avail.
const PAUSE: Duration = Duration::from_millis(250);

/// Connects to the first server that can be used. If it is of a cluster, it is asked where the primaries
/// are, and the first of them that can be used takes its place.
pub(super) async fn connect_first(shared: &Arc<Shared>) -> Result<(NodeId, Stream), ConnectError> {
    let (stream, mode) = wire::connect(&shared.servers).await?;
    match mode {
        Mode::Alone => return Ok((shared.driven.with(State::alone), stream)),
        Mode::Cluster => drop(stream),
    }
    ask(shared).await?;
    let watched = Arc::clone(shared);
    let watching = async move {
        watched.stopping.until_closed(watch(&watched)).await;
    };
    spawn(watching).map_err(|error| ConnectError::new(ConnectErrorKind::Other, error))?;
    let mut first = None;
    let servers = shared.driven.lock().servers();
    for (node, server) in servers {
        match wire::connect_to(&shared.servers, &server).await {
            Ok(stream) => {
                shared.driven.with(|state| state.driven(node));
                open(shared);
                return Ok((node, stream));
            }
            Err(error) => first = first.or(Some(error)),
        }
    }
    Err(first.unwrap_or_else(|| ConnectErrorKind::Unreachable.into()))
}

/// Connects to a server again. `None` if it is not wanted any more.
pub(super) async fn connect(
    shared: &Arc<Shared>,
    node: NodeId,
) -> Result<Option<Stream>, ConnectError> {
    let servers = &shared.servers;
    if !shared.driven.lock().is_cluster() {
        return match wire::connect(servers).await? {
            (stream, Mode::Alone) => Ok(Some(stream)),
            (_, Mode::Cluster) => {
                Err(ConnectError::new(ConnectErrorKind::Unsupported, "it is of a cluster by now"))
            }
        };
    }
    let Some(server) = shared.driven.lock().server(node) else { return Ok(None) };
    let connected = wire::connect_to(servers, &server).await;
    if connected.is_err() {
        shared.driven.with(|state| state.doubt(node));
        shared.ask_if_stale();
    }
    connected.map(Some)
}

/// Asks a cluster who has which slots, whenever that is in doubt. It has a thread of its own, since names
/// of servers may have to be looked up.
async fn watch(shared: &Arc<Shared>) {
    // The sender is beside it.
    while shared.doubts.1.recv().await.is_ok() {
        while shared.driven.lock().is_stale() {
            match ask(shared).await {
                Ok(()) => open(shared),
                Err(error) => {
                    shared.announcer.announce(RedisEvent::ConnectFailed(error.to_string()));
                }
            }
            Timer::after(PAUSE).await;
        }
    }
}

/// Asks a server of a cluster who has which slots: another one each time, since one may be wrong.
async fn ask(shared: &Arc<Shared>) -> Result<(), ConnectError> {
    let servers = &shared.servers;
    let known = shared.driven.lock().servers();
    let known = known.into_iter().map(|(_, server)| server);
    let mut hosts: Vec<_> = known.chain(servers.addresses.iter().cloned()).collect();
    let turn = shared.asked.fetch_add(1, Ordering::Relaxed) % hosts.len();
    hosts.rotate_left(turn);
    let mut first = None;
    for host in hosts {
        match wire::ask_slots(servers, &host).await {
            Ok(ranges) => {
                shared.place(ranges);
                return Ok(());
            }
            Err(error) => first = first.or(Some(error)),
        }
    }
    Err(first.unwrap_or_else(|| ConnectErrorKind::Unreachable.into()))
}
