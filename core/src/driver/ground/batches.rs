//! Publishes messages in batches while the connection is busy.

use std::{future::poll_fn, sync::Arc, time::Instant};

use bytes::Bytes;
use futures_lite::future;

use super::{EventFields, Ground, Logged};
use crate::{
    Error, ErrorKind, Executed,
    driver::{
        endpoint::{Endpoint, MayCollect},
        outlet::{Batch, Outlet, Pushed},
    },
    error::Causes,
    proto::frame::{Frame, Members, Single},
    transport::{Targets, TransportError, TransportErrorKind},
    until::until,
};

/// A batch that is being published in the background. It is lost if this is dropped before it is.
struct Publishing<'a> {
    ground: &'a Ground,
    to: &'a Arc<Outlet>,
    batch: Batch,
    published: Option<Result<(), Error>>,
}

impl Drop for Publishing<'_> {
    fn drop(&mut self) {
        let published = self.published.take().unwrap_or(Err(ErrorKind::Closed.into()));
        self.ground.published(self.to, &self.batch, published);
    }
}

impl Ground {
    /// Sends a message to all bindings of a subject: publishes it, or lets it wait for others while
    /// the connection is busy. `None` if it has to wait for room or for the connection.
    pub(crate) fn send_now(
        &self,
        to: &Arc<Endpoint>,
        message: &Single<'_>,
    ) -> Option<Result<(), TransportError>> {
        self.collect(to.both(), message, || self.may_collect(to))
    }

    /// Sends a packet to an instance, or to all of a service, likewise.
    pub(crate) fn send_to_inbox_now(
        &self,
        to: &Arc<Outlet>,
        packet: &Single<'_>,
    ) -> Option<Result<(), TransportError>> {
        self.collect(to, packet, || true)
    }

    #[inline]
    fn collect(
        &self,
        to: &Arc<Outlet>,
        single: &Single<'_>,
        may_collect: impl Fn() -> bool,
    ) -> Option<Result<(), TransportError>> {
        let is_idle = || self.transport.unwritten() == 0 || !to.is_proven() || !may_collect();
        if !to.waits() && is_idle() {
            return self.publish_alone(to, single);
        }
        loop {
            match to.push(single, self.chunk(), &self.send_buffer) {
                Pushed::Added { is_queued: true } => {}
                Pushed::Added { is_queued: false } => self.send_buffer.queue(to),
                Pushed::Completed(batch) => {
                    self.publish_batch_now(to, batch);
                }
                Pushed::After(batch) => match self.publish_batch_now(to, batch) {
                    true => continue,
                    false => return None,
                },
                Pushed::Alone => return self.publish_alone(to, single),
                Pushed::Full => return None,
            }
            return Some(Ok(()));
        }
    }

    fn publish_alone(
        &self,
        to: &Outlet,
        single: &Single<'_>,
    ) -> Option<Result<(), TransportError>> {
        let published = self.publish_now(to.destination(), single.encode(), None)?;
        if published.is_ok() {
            to.prove();
        }
        Some(published)
    }

    /// Returns whether messages may collect at an endpoint: they may not if it may have a group.
    fn may_collect(&self, to: &Arc<Endpoint>) -> bool {
        let now = self.now();
        let age = self.age(now);
        let MayCollect { yes, probe } = to.group.may_collect(age);
        if probe {
            let message = self.message_id();
            let until = now + self.config.send_timeout;
            self.group_probes.sent(message, to, (now, age), until);
            self.cleanup_flag.set();
            let probe = Frame::Probe { message }.encode();
            self.post_packet(to.address(Targets::Group), probe, Some(self.find_group(message)));
        }
        yes
    }

    /// Publishes what waits at an outlet, if that is possible without waiting. Returns whether
    /// nothing is left.
    pub(crate) fn settle_now(&self, to: &Arc<Outlet>) -> bool {
        while to.waits() {
            let is_published = to.take().is_some_and(|batch| self.publish_batch_now(to, batch));
            if !is_published {
                return false;
            }
        }
        true
    }

    /// Waits until nothing waits at an outlet.
    pub(super) async fn settled(&self, to: &Arc<Outlet>) {
        let _settling = to.settling();
        loop {
            let published = self.send_buffer.published.listen();
            if !to.waits() {
                return;
            }
            self.send_buffer.queue(to);
            published.await;
        }
    }

    /// Publishes what waits at an outlet, waiting at most for the send timeout and until a deadline.
    pub(crate) async fn settle(
        &self,
        to: &Arc<Outlet>,
        deadline: Option<Instant>,
    ) -> Result<(), Error> {
        if self.settle_now(to) {
            return Ok(());
        }
        let settled = async {
            self.settled(to).await;
            Ok(())
        };
        Box::pin(self.in_time(deadline, settled)).await
    }

    /// Waits until the broker has everything that was sent before.
    ///
    /// # Errors
    /// `Disconnected` if the broker does not answer in time, or messages were lost; `Closed`.
    pub(crate) async fn flush(&self) -> Result<(), Error> {
        self.check_open()?;
        let lost_before = self.counters.unsent.get();
        let flushed = async {
            self.empty_send_buffer().await;
            Ok(self.transport.flush().await?)
        };
        self.in_time(None, flushed).await?;
        match self.counters.unsent.get().saturating_sub(lost_before) {
            0 => Ok(()),
            lost => {
                let text = format!("{lost} messages could not be sent");
                Err(Error::new(ErrorKind::Disconnected, text).with_executed(Executed::Maybe))
            }
        }
    }

    /// Waits until every message that waited has been handed over, or is lost.
    pub(crate) async fn empty_send_buffer(&self) {
        let is_empty = || self.send_buffer.is_empty() || self.is_closed();
        until(&self.send_buffer.published, is_empty).await;
    }

    /// Publishes a batch, if that is possible without waiting. Returns whether it was; otherwise it is
    /// published in the background.
    fn publish_batch_now(&self, to: &Arc<Outlet>, batch: Batch) -> bool {
        match self.publish_now(to.destination(), batch.packet.clone(), None) {
            Some(Err(error)) if error.kind() == TransportErrorKind::TooLarge => {}
            Some(published) => {
                self.published(to, &batch, published.map_err(Error::from));
                return true;
            }
            None => {}
        }
        to.postponed(batch);
        self.send_buffer.queue(to);
        false
    }

    fn published(&self, to: &Arc<Outlet>, batch: &Batch, published: Result<(), Error>) {
        if let Err(error) = published {
            self.lose_unsent(batch.count, &error);
        }
        if to.published() {
            self.send_buffer.queue(to);
        }
        self.send_buffer.release(batch);
    }

    /// Publishes what is left and no longer waits: counts what cannot be published.
    pub(in crate::driver) fn clear_send_buffer(&self) {
        self.close_send_buffer();
        for to in self.send_buffer.queued.take_all() {
            if let Some(batch) = to.take_queued() {
                let published = self.publish_now(to.destination(), batch.packet.clone(), None);
                let published = published.unwrap_or(Err(TransportErrorKind::Closed.into()));
                self.published(&to, &batch, published.map_err(Error::from));
            }
        }
    }

    /// Ends the publishing in the background once nothing waits.
    pub(in crate::driver) fn close_send_buffer(&self) {
        self.send_buffer.queued.close();
    }

    /// Counts messages that were accepted and could not be sent.
    fn lose_unsent(&self, count: usize, error: &Error) {
        let count = count as u64;
        self.counters.unsent.add(count);
        self.log(Logged::Unsent, EventFields { count, ..EventFields::error(&Causes(error)) });
    }

    /// Publishes batches whenever the connection has taken what was handed over before, until the
    /// conduit closes and nothing waits.
    pub(crate) async fn run_send_buffer(&self) {
        let next = || poll_fn(|cx| self.send_buffer.queued.poll_next(cx));
        while let Some(first) = next().await {
            let others = self.send_buffer.queued.take_all();
            if self.transport.unwritten() > 0 {
                // An error shows again when the batch is published.
                self.transport.written().await.ok();
            }
            for to in std::iter::once(&first).chain(&others) {
                let Some(batch) = to.take_queued() else { continue };
                let packet = batch.packet.clone();
                let mut publishing = Publishing { ground: self, to, batch, published: None };
                publishing.published = Some(self.publish_batch(to, packet).await);
            }
        }
    }

    /// Publishes a batch; packet by packet if it became too long for the transport meanwhile.
    async fn publish_batch(&self, to: &Outlet, packet: Bytes) -> Result<(), Error> {
        match self.publish_packet(to, packet.clone()).await {
            Err(error) if error.kind() == ErrorKind::TooLarge => {
                let Ok(Frame::Batch { packets }) = Frame::decode(&packet) else {
                    return Err(error);
                };
                for packet in Members::new(packets).flatten() {
                    if let Err(error) = self.publish_packet(to, packet).await {
                        self.lose_unsent(1, &error);
                    }
                }
                Ok(())
            }
            published => published,
        }
    }

    async fn publish_packet(&self, to: &Outlet, packet: Bytes) -> Result<(), Error> {
        match self.publish_now(to.destination(), packet.clone(), None) {
            Some(published) => published.map_err(Error::from),
            None => {
                let at_once = future::ready(());
                self.publish_after(at_once, to.address(), packet, None, None).await
            }
        }
    }
}
