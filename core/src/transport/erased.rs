//! Transports as trait objects, so that the rest of the core is not generic over them.

use std::{future::Future, pin::Pin};

use bytes::Bytes;
use futures_core::Stream;

use super::{
    Address, Connection, Destination, Introduction, Packet, Subscription, Token, Transport,
    TransportError,
};
use crate::Task;

pub(crate) type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
type Result<T> = std::result::Result<T, TransportError>;

pub(crate) trait DynTransport: Send + Sync {
    fn max_packet_len(&self) -> usize;
    fn connection(&self) -> Option<Connection>;
    fn body_budget(&self) -> Option<u64>;
    fn ready<'a>(&'a self, to: &'a Address) -> BoxFuture<'a, Result<()>>;
    /// Waits until a packet can be handed over, and hands it over, which empties `packet`.
    fn publish<'a>(
        &'a self,
        to: &'a Address,
        packet: &'a mut Option<Bytes>,
        undelivered: Option<(&'a Address, Token)>,
    ) -> BoxFuture<'a, Result<()>>;
    fn publish_now(
        &self,
        to: &Destination,
        packet: Bytes,
        undelivered: Option<(&Address, Token)>,
    ) -> Option<Result<()>>;
    fn unwritten(&self) -> usize;
    fn written(&self) -> BoxFuture<'_, Result<()>>;
    fn subscribe<'a>(&'a self, at: &'a Address) -> BoxFuture<'a, Result<Box<dyn DynSubscription>>>;
    fn flush(&self) -> BoxFuture<'_, Result<()>>;
    fn background(&self, conduit: Introduction) -> Option<Task>;
    fn close(&self) -> BoxFuture<'_, ()>;
}

pub(crate) trait DynSubscription: Stream<Item = Packet> + Send + Unpin {
    fn leave(&mut self) -> BoxFuture<'_, Result<()>>;
}

impl<T: Transport> DynTransport for T {
    fn max_packet_len(&self) -> usize {
        Transport::max_packet_len(self)
    }

    fn connection(&self) -> Option<Connection> {
        Transport::connection(self)
    }

    fn body_budget(&self) -> Option<u64> {
        Transport::body_budget(self)
    }

    fn ready<'a>(&'a self, to: &'a Address) -> BoxFuture<'a, Result<()>> {
        Box::pin(Transport::ready(self, to))
    }

    fn publish<'a>(
        &'a self,
        to: &'a Address,
        packet: &'a mut Option<Bytes>,
        undelivered: Option<(&'a Address, Token)>,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(super::publish(self, to, packet, undelivered))
    }

    fn publish_now(
        &self,
        to: &Destination,
        packet: Bytes,
        undelivered: Option<(&Address, Token)>,
    ) -> Option<Result<()>> {
        Transport::publish_now(self, to, packet, undelivered)
    }

    fn unwritten(&self) -> usize {
        Transport::unwritten(self)
    }

    fn written(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(Transport::written(self))
    }

    fn subscribe<'a>(&'a self, at: &'a Address) -> BoxFuture<'a, Result<Box<dyn DynSubscription>>> {
        Box::pin(async move {
            let subscription = Transport::subscribe(self, at).await?;
            Ok(Box::new(subscription) as Box<dyn DynSubscription>)
        })
    }

    fn flush(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(Transport::flush(self))
    }

    fn background(&self, conduit: Introduction) -> Option<Task> {
        Transport::background(self, conduit)
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(Transport::close(self))
    }
}

impl<S: Subscription> DynSubscription for S {
    fn leave(&mut self) -> BoxFuture<'_, Result<()>> {
        Box::pin(Subscription::leave(self))
    }
}
