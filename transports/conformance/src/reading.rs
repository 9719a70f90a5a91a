//! Reading a body and looking at every byte.

use conduit::{Error, IncomingBody};
use futures_lite::{AsyncReadExt, StreamExt};

use crate::{Guarantee, Violation, pattern::Pattern};

/// A body that has to be a pattern. It is read as a stream and as a reader in turn.
pub(crate) struct Reading {
    body: IncomingBody,
    pattern: Pattern,
    at: u64,
    turn: usize,
}

impl Reading {
    const RULE: Guarantee = Guarantee::Bodies;

    pub(crate) fn new(body: IncomingBody, pattern: Pattern) -> Self {
        Self { body, pattern, at: 0, turn: 0 }
    }

    /// How much was read.
    pub(crate) fn at(&self) -> u64 {
        self.at
    }

    /// Reads some of it, and says how much that was, or why there will be nothing more.
    pub(crate) async fn some(&mut self) -> Result<Result<usize, Error>, Violation> {
        self.turn += 1;
        let mut buffer = [0; 4_099];
        let count = if self.turn.is_multiple_of(2) {
            match self.body.next().await {
                None => 0,
                Some(Err(error)) => return Ok(Err(error)),
                Some(Ok(bytes)) => self.compare(&bytes)?,
            }
        } else {
            match self.body.read(&mut buffer).await {
                Err(error) => return Ok(Err(inner(error)?)),
                Ok(count) => self.compare(&buffer[..count])?,
            }
        };
        Ok(Ok(count))
    }

    /// Reads at least up to an offset.
    pub(crate) async fn until(&mut self, offset: u64) -> Result<(), Violation> {
        while self.at < offset {
            let count = Self::RULE.expect("read", self.some().await?)?;
            let (at, length) = (self.at, self.pattern.length());
            Self::RULE.ensure(count > 0, || format!("it ended after {at} of {length} bytes"))?;
        }
        Ok(())
    }

    /// Reads all of it, and the end.
    pub(crate) async fn whole(mut self) -> Result<(), Violation> {
        self.until(self.pattern.length()).await?;
        let more = Self::RULE.expect("read the end", self.some().await?)?;
        Self::RULE.ensure(more == 0, || "it does not end".to_owned())
    }

    /// Reads to the failure that has to come.
    pub(crate) async fn failure(mut self) -> Result<Error, Violation> {
        loop {
            match self.some().await? {
                Err(error) => return Ok(error),
                Ok(0) => return Err(Violation::new(Self::RULE, "a wrong Ok at the end")),
                Ok(_) => {}
            }
        }
    }

    fn compare(&mut self, bytes: &[u8]) -> Result<usize, Violation> {
        let (at, count) = (self.at, bytes.len());
        let holds = self.pattern.matches(at, bytes);
        Self::RULE.ensure(holds, || format!("wrong bytes in the {count} after {at}"))?;
        self.at += count as u64;
        Ok(count)
    }
}

/// What an I/O error holds.
fn inner(error: std::io::Error) -> Result<Error, Violation> {
    let text = error.to_string();
    let inner = error.into_inner().and_then(|inner| inner.downcast().ok());
    inner
        .map(|inner| *inner)
        .ok_or_else(|| Violation::new(Guarantee::Errors, format!("an error of its own: {text}")))
}
