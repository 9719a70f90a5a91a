//! Listens on the inbox and the control address.

use futures_lite::{StreamExt, future};

use super::{
    Shared,
    dispatch::{handle_packet, handle_undelivered},
    ground::{EventFields, Logged},
};
use crate::{
    Error, ErrorKind,
    error::Causes,
    proto::frame::NameCache,
    transport::{Address, DynSubscription, Packet},
};

/// Listens on the inbox and the control address. Returns when either ends, which means that the
/// transport, or the client behind it, has ended.
pub(super) async fn serve(shared: &Shared) {
    match open(shared).await {
        Ok((mut inbox, mut control)) => {
            shared.lifecycle.opened();
            let inbox = listen(shared, &mut *inbox);
            let control = future::or(listen(shared, &mut *control), listen_to_directory(shared));
            future::or(inbox, control).await;
            shared.log(Logged::TransportGone, EventFields::default());
        }
        Err(error) if error.kind() == ErrorKind::Closed => {
            shared.log(Logged::TransportGone, EventFields::error(&Causes(&error)));
        }
        Err(error) => {
            shared.log(Logged::NoInbox, EventFields::error(&Causes(&error)));
            shared.lifecycle.failed(error);
            future::pending::<()>().await;
        }
    }
}

async fn open(
    shared: &Shared,
) -> Result<(Box<dyn DynSubscription>, Box<dyn DynSubscription>), Error> {
    let inbox = shared.transport.subscribe(&shared.inbox).await?;
    let service = shared.source.service.clone();
    let control = shared.transport.subscribe(&Address::Control { service }).await?;
    shared.reach_broker().await?;
    Ok((inbox, control))
}

/// Listens to questions to all services, if this instance is discoverable. It can do without.
async fn listen_to_directory(shared: &Shared) {
    if shared.about.describes && shared.about.is_discoverable {
        match shared.transport.subscribe(&Address::Directory).await {
            Ok(mut directory) => listen(shared, &mut *directory).await,
            Err(error) => {
                shared.log(Logged::NotDiscoverable, EventFields::error(&Causes(&error)));
            }
        }
    }
    future::pending::<()>().await;
}

/// Handles the packets of a subscription until it ends.
async fn listen(shared: &Shared, subscription: &mut dyn DynSubscription) {
    const TURN: u32 = 128;
    let mut turn = 0;
    let mut names = NameCache::new();
    while let Some(packet) = subscription.next().await {
        match packet {
            Packet::Data(packet) => handle_packet(shared, packet, &mut names),
            Packet::Undelivered(token) => handle_undelivered(shared, token),
        }
        turn += 1;
        if turn % TURN == 0 {
            future::yield_now().await;
        }
    }
}
