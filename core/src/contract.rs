//! Subjects with the types of their messages.

mod calling;

use std::{fmt, marker::PhantomData};

pub use self::calling::Calling;
use crate::{Error, SendTo, Subject, name::assert_subject};

/// A subject with the types of its messages and of their replies, declared once for both sides.
///
/// Declare it as a constant, in a crate that the sender and the receiver share. An invalid subject
/// is then an error of the compiler, and so is a value of another type at either side.
///
/// - [`Contract::request`] declares requests: the sender [calls](crate::Client::call) the subject,
///   and gets the decoded reply. The receiver [serves](crate::TypedBinding::serve) it.
/// - [`Contract::event`] declares one-way messages: the sender [sends](crate::Client::send) to it.
///   The receiver passes the values [to](crate::TypedBinding::to) a function.
///
/// Nothing of a contract is sent: a peer may use the subject and the types without it, and the
/// values are encoded as always.
///
/// ```
/// use conduit::{Conduit, Contract, Error};
/// use conduit_json::Json;
/// use conduit_memory::Memory;
/// use conduit_smol::Smol;
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize)]
/// struct Job {
///     number: u64,
/// }
///
/// #[derive(Serialize, Deserialize)]
/// struct JobDone {
///     result: u64,
/// }
///
/// const RUN: Contract<Job, JobDone> = Contract::request("job.run");
/// const DONE: Contract<JobDone> = Contract::event("job.done");
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # smol::block_on(async {
/// let conduit = Conduit::new("worker", Smol, Memory::new(), Json)?;
/// conduit.queue_bind(&RUN).await?.serve(async |job| {
///     Ok::<_, Error>(JobDone { result: job.number * job.number })
/// });
/// let (heard, results) = async_channel::bounded(1);
/// conduit.bind(&DONE).await?.to(move |done| {
///     let heard = heard.clone();
///     async move { heard.send(done.result).await }
/// });
///
/// let worker = conduit.service("worker");
/// let done: JobDone = worker.call(&RUN, &Job { number: 4 }).await?;
/// worker.send(&DONE, &done).await?;
/// assert_eq!(results.recv().await?, 16);
/// # Ok(())
/// # })
/// # }
/// ```
pub struct Contract<In, Out = NoReply> {
    subject: &'static str,
    types: PhantomData<fn(In) -> Out>,
}

/// The type of the reply to an [event](Contract::event), which has none: no value has this type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoReply {}

impl<In, Out> Contract<In, Out> {
    /// Declares requests with values of the type `In`, and replies of the type `Out`.
    ///
    /// # Panics
    /// If the subject is not valid. In a constant, as it is meant to be declared, that is an error
    /// of the compiler. Check a name that is not known there with [`Subject`], and
    /// use that.
    #[must_use]
    pub const fn request(subject: &'static str) -> Self {
        assert_subject(subject);
        Self { subject, types: PhantomData }
    }

    /// Returns the subject.
    #[must_use]
    pub const fn subject(&self) -> &'static str {
        self.subject
    }
}

impl<In> Contract<In> {
    /// Declares one-way messages with values of the type `In`.
    ///
    /// # Panics
    /// As [`request`](Contract::request) does, and in a constant that is an error of the compiler.
    #[must_use]
    pub const fn event(subject: &'static str) -> Self {
        Self::request(subject)
    }
}

impl<T> SendTo<T> for &Contract<T> {
    const IS_CONTRACT: bool = true;

    fn subject(self) -> Result<Subject, Error> {
        Ok(Subject::new(Contract::subject(self))?)
    }
}

impl<In, Out> Clone for Contract<In, Out> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<In, Out> Copy for Contract<In, Out> {}

impl<In, Out> fmt::Debug for Contract<In, Out> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Contract").field(&self.subject).finish()
    }
}
