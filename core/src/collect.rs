//! A body that may be collected into memory, or read.

use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};

use crate::{Error, ErrorKind, IncomingBody, body::Content, proto::ReasonCode};

pub(crate) struct Collected(State);

enum State {
    /// Being collected, or not begun.
    Arriving {
        content: Content,
        so_far: BytesMut,
    },
    /// Collected.
    Whole(Bytes),
    /// Being read.
    Reading(Box<IncomingBody>),
    Taken,
}

impl Collected {
    pub(crate) fn new(content: Content) -> Self {
        Self(match content {
            Content::Whole(bytes) => State::Whole(bytes),
            content => State::Arriving { content, so_far: BytesMut::new() },
        })
    }

    /// The whole body, if it is there and has `limit` bytes at most.
    pub(crate) fn whole(&self, limit: usize) -> Option<Result<&Bytes, Error>> {
        let State::Whole(bytes) = &self.0 else { return None };
        Some(within(bytes.len() as u64, limit).map(|()| bytes))
    }

    /// Collects the whole body, if it has `limit` bytes at most. After an error nothing of it is
    /// left.
    pub(crate) fn poll_whole(
        &mut self,
        cx: &mut Context<'_>,
        limit: usize,
    ) -> Poll<Result<Bytes, Error>> {
        let result = match &mut self.0 {
            State::Whole(bytes) => {
                return Poll::Ready(within(bytes.len() as u64, limit).map(|()| bytes.clone()));
            }
            State::Arriving { content, so_far } => {
                ready!(poll_collect(content, so_far, cx, limit))
            }
            State::Reading(_) | State::Taken => {
                return Poll::Ready(Err(ErrorKind::BodyTaken.into()));
            }
        };
        match &result {
            Ok(bytes) => self.0 = State::Whole(bytes.clone()),
            Err(error) => {
                if let (State::Arriving { content, .. }, ErrorKind::TooLarge) =
                    (&self.0, error.kind())
                {
                    content.stop(ReasonCode::TooLarge);
                }
                self.0 = State::Taken;
            }
        }
        Poll::Ready(result)
    }

    /// Gives it out.
    pub(crate) fn take(&mut self) -> Result<IncomingBody, Error> {
        match std::mem::replace(&mut self.0, State::Taken) {
            State::Arriving { content, so_far } => Ok(IncomingBody::new(content, so_far.freeze())),
            State::Whole(bytes) => Ok(IncomingBody::new(Content::Whole(bytes), Bytes::new())),
            State::Reading(body) => {
                self.0 = State::Reading(body);
                Err(ErrorKind::BodyTaken.into())
            }
            State::Taken => Err(ErrorKind::BodyTaken.into()),
        }
    }

    /// Begins to read it, or goes on.
    pub(crate) fn reader(&mut self) -> Result<&mut IncomingBody, Error> {
        if !matches!(self.0, State::Reading(_)) {
            self.0 = State::Reading(Box::new(self.take()?));
        }
        match &mut self.0 {
            State::Reading(body) => Ok(body),
            _ => Err(ErrorKind::BodyTaken.into()),
        }
    }
}

fn within(length: u64, limit: usize) -> Result<(), Error> {
    if length <= limit as u64 {
        return Ok(());
    }
    let text = format!("it has {length} bytes or more, and the limit is {limit}");
    Err(Error::new(ErrorKind::TooLarge, text))
}

fn poll_collect(
    content: &mut Content,
    so_far: &mut BytesMut,
    cx: &mut Context<'_>,
    limit: usize,
) -> Poll<Result<Bytes, Error>> {
    within(content.length().unwrap_or(0), limit)?;
    while let Some(bytes) = ready!(content.poll_next(cx))? {
        within((so_far.len() + bytes.len()) as u64, limit)?;
        so_far.extend_from_slice(&bytes);
    }
    Poll::Ready(Ok(std::mem::take(so_far).freeze()))
}
