//! A body that can be collected into memory, or read.

use std::{
    future::poll_fn,
    sync::{
        Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
};

use bytes::{Bytes, BytesMut};
use event_listener::Event;
use futures_lite::future;

use crate::{
    Error, ErrorKind, IncomingBody,
    driver::Content,
    lock::lock,
    proto::{Reason, ReasonCode},
};

pub(crate) struct Collected {
    /// A body of one packet. It is accessed without a lock, so it stays here even after it was
    /// taken.
    whole: Option<Bytes>,
    was_taken: AtomicBool,
    state: Mutex<CollectState>,
    /// Notified when a call that collects the body ends; another one has to go on.
    collected: Event,
}

enum CollectState {
    /// Being collected, or not started.
    Arriving(Box<Arriving>),
    Collected(Box<Bytes>),
    /// Being read.
    Reading(Box<IncomingBody>),
    /// Taken, or it came in one packet.
    Absent,
}

// Boxed: most messages do not need it, and are moved often.
struct Arriving {
    content: Content,
    so_far: BytesMut,
}

impl Collected {
    pub(crate) fn new(content: Content) -> Self {
        let (whole, state) = match content {
            Content::Whole(bytes) => (Some(bytes), CollectState::Absent),
            content => (
                None,
                CollectState::Arriving(Box::new(Arriving { content, so_far: BytesMut::new() })),
            ),
        };
        let (was_taken, state, collected) =
            (AtomicBool::new(false), Mutex::new(state), Event::new());
        Self { whole, was_taken, state, collected }
    }

    /// Notes that a handler has the message.
    pub(crate) fn start(&self) {
        self.with_arriving(Content::start);
    }

    /// Stops the sender of a body that was not read yet.
    pub(crate) fn stop(&self, reason: &Reason) {
        self.with_arriving(|content| content.stop(reason.clone()));
    }

    pub(crate) fn is_streamed(&self) -> bool {
        self.whole.is_none()
    }

    #[inline]
    fn with_arriving(&self, change: impl FnOnce(&Content)) {
        if self.whole.is_none()
            && let CollectState::Arriving(arriving) = &*self.state()
        {
            change(&arriving.content);
        }
    }

    /// Returns the body, if it came in one packet and has at most `limit` bytes.
    pub(crate) fn whole(&self, limit: usize) -> Option<Result<&Bytes, Error>> {
        let whole = self.whole.as_ref()?;
        if self.was_taken.load(Ordering::Acquire) {
            return Some(Err(ErrorKind::BodyTaken.into()));
        }
        Some(within(whole.len() as u64, limit).map(|()| whole))
    }

    /// Collects the whole body, if it has at most `limit` bytes. After an error the body is gone.
    pub(crate) async fn collect(&self, limit: usize) -> Result<Bytes, Error> {
        if let Some(whole) = self.whole(limit) {
            return whole.cloned();
        }
        // The body wakes only the task that polled it last; this wakes the others.
        let _done = NotifyOnDrop(&self.collected);
        loop {
            let others = self.collected.listen();
            let whole = poll_fn(|cx| self.state().poll_whole(cx, limit));
            let others = async {
                others.await;
                None
            };
            if let Some(result) = future::or(async { Some(whole.await) }, others).await {
                return result;
            }
        }
    }

    /// Takes the body.
    pub(crate) fn take(&self) -> Result<IncomingBody, Error> {
        self.take_from(&mut self.state())
    }

    fn take_from(&self, state: &mut CollectState) -> Result<IncomingBody, Error> {
        match &self.whole {
            None => state.take(),
            Some(_) if self.was_taken.swap(true, Ordering::AcqRel) => {
                Err(ErrorKind::BodyTaken.into())
            }
            Some(whole) => Ok(IncomingBody::new(Content::Whole(whole.clone()), Bytes::new())),
        }
    }

    /// Starts or continues to read the body.
    pub(crate) fn read<T>(&self, read: impl FnOnce(&mut IncomingBody) -> T) -> Result<T, Error> {
        let mut state = self.state();
        if !matches!(*state, CollectState::Reading(_)) {
            *state = CollectState::Reading(Box::new(self.take_from(&mut state)?));
        }
        match &mut *state {
            CollectState::Reading(body) => Ok(read(body)),
            _ => Err(ErrorKind::BodyTaken.into()),
        }
    }

    fn state(&self) -> MutexGuard<'_, CollectState> {
        lock(&self.state)
    }
}

impl CollectState {
    fn poll_whole(&mut self, cx: &mut Context<'_>, limit: usize) -> Poll<Result<Bytes, Error>> {
        let result = match self {
            Self::Collected(bytes) => {
                return Poll::Ready(
                    within(bytes.len() as u64, limit).map(|()| Bytes::clone(bytes)),
                );
            }
            Self::Arriving(arriving) => ready!(arriving.poll_collect(cx, limit)),
            Self::Reading(_) | Self::Absent => {
                return Poll::Ready(Err(ErrorKind::BodyTaken.into()));
            }
        };
        match &result {
            Ok(bytes) => *self = Self::Collected(Box::new(bytes.clone())),
            Err(error) => {
                if let (Self::Arriving(arriving), ErrorKind::TooLarge) = (&*self, error.kind()) {
                    arriving.content.stop(ReasonCode::TooLarge);
                }
                *self = Self::Absent;
            }
        }
        Poll::Ready(result)
    }

    fn take(&mut self) -> Result<IncomingBody, Error> {
        match std::mem::replace(self, Self::Absent) {
            Self::Arriving(arriving) => {
                Ok(IncomingBody::new(arriving.content, arriving.so_far.freeze()))
            }
            Self::Collected(bytes) => Ok(IncomingBody::new(Content::Whole(*bytes), Bytes::new())),
            Self::Reading(body) => {
                *self = Self::Reading(body);
                Err(ErrorKind::BodyTaken.into())
            }
            Self::Absent => Err(ErrorKind::BodyTaken.into()),
        }
    }
}

struct NotifyOnDrop<'a>(&'a Event);

impl Drop for NotifyOnDrop<'_> {
    fn drop(&mut self) {
        self.0.notify(usize::MAX);
    }
}

fn within(length: u64, limit: usize) -> Result<(), Error> {
    if length <= limit as u64 {
        return Ok(());
    }
    let text = format!("it has {length} bytes or more, and the limit is {limit}");
    Err(Error::new(ErrorKind::TooLarge, text))
}

impl Arriving {
    fn poll_collect(&mut self, cx: &mut Context<'_>, limit: usize) -> Poll<Result<Bytes, Error>> {
        let Self { content, so_far } = self;
        within(content.length().unwrap_or(0), limit)?;
        while let Some(bytes) = ready!(content.poll_next(cx))? {
            within((so_far.len() + bytes.len()) as u64, limit)?;
            so_far.extend_from_slice(&bytes);
        }
        Poll::Ready(Ok(std::mem::take(so_far).freeze()))
    }
}
