//! Asks which instances there are.

use std::{fmt, future::IntoFuture, pin::Pin, time::Duration};

use super::Conduit;
use crate::{
    Encoder, Error, InstanceInfo, ServiceName,
    driver::{self, Answered},
    handle::Open,
};

/// How long answers are waited for unless another time is set.
const WAIT: Duration = Duration::from_secs(1);

impl<E: Encoder> Conduit<E> {
    /// Describes this instance, as askers are told.
    #[must_use]
    pub fn describe(&self) -> InstanceInfo {
        driver::describe(self.handle.shared(), true)
    }

    /// Asks the instances of a service to describe themselves. See [`Describing`].
    ///
    /// An invalid name is reported when it is awaited.
    pub fn instances<S>(&self, service: S) -> Describing
    where
        S: TryInto<ServiceName>,
        Error: From<S::Error>,
    {
        let service = service.try_into().map_err(Error::from);
        Describing::new(self.handle.open(), service.map(Some))
    }

    /// Asks the instances of all services that are [discoverable](crate::Builder::discoverable) to
    /// describe themselves. See [`Describing`].
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use conduit::Conduit;
    /// use conduit_json::Json;
    /// use conduit_memory::Memory;
    /// use conduit_smol::Smol;
    ///
    /// # fn main() -> Result<(), conduit::Error> {
    /// # smol::block_on(async {
    /// let broker = Memory::new();
    /// let mut running = Vec::new();
    /// for name in ["users", "mail", "mail"] {
    ///     let builder = Conduit::builder(name).runtime(Smol).transport(broker.clone());
    ///     running.push(builder.encoder(Json).discoverable(true).build()?);
    ///     running[running.len() - 1].ready(Duration::from_secs(5)).await?;
    /// }
    ///
    /// let asker = Conduit::new("operator", Smol, broker, Json)?;
    /// let all = asker.services().brief().wait(Duration::from_millis(300)).await?;
    /// let names: Vec<_> = all.iter().map(|instance| instance.service.as_str()).collect();
    /// assert_eq!(names, ["mail", "mail", "users"]);
    /// # Ok(())
    /// # })
    /// # }
    /// ```
    pub fn services(&self) -> Describing {
        Describing::new(self.handle.open(), Ok(None))
    }
}

/// A question to instances, from [`Conduit::instances`] and [`Conduit::services`]. It does nothing
/// until it is awaited.
///
/// The result has the answers that arrive within the [wait](Self::wait), in the order of the names
/// of the services and of the instances' ids. It is empty, at once, if the broker reports that
/// there is no instance. An instance that [does not describe itself](crate::Builder::describes), or
/// that is asked more than ten times a second, is missing. Answers in more than the bytes of
/// [`max_waiting_bytes`](crate::Builder::max_waiting_bytes) are dropped.
///
/// Cancel safe: a question that is dropped is forgotten.
///
/// # Errors
/// `InvalidName`; `Disconnected` if there is no connection to the broker; `Denied` if it does not
/// permit the question; `Closed`.
#[must_use = "nothing is asked until it is awaited"]
pub struct Describing {
    handle: Open,
    of: Result<Option<ServiceName>, Error>,
    wait: Duration,
    is_brief: bool,
}

impl Describing {
    fn new(handle: Open, of: Result<Option<ServiceName>, Error>) -> Self {
        Self { handle, of, wait: WAIT, is_brief: false }
    }

    /// Sets how long to wait for answers; 1 s by default. The instances use a third of it to answer
    /// one after the other.
    pub fn wait(mut self, time: Duration) -> Self {
        self.wait = time;
        self
    }

    /// Asks only for what identifies an instance and its state. Without this, the answers have
    /// bindings, limits and amounts too.
    pub fn brief(mut self) -> Self {
        self.is_brief = true;
        self
    }

    async fn ask(self) -> Result<Vec<InstanceInfo>, Error> {
        let questions = &self.handle.shared().questions;
        let answers = questions.ask(self.of?, self.wait, self.is_brief).await?;
        let decode = |Answered { source, body, after }| {
            let mut info = InstanceInfo::decode(source, &body)?;
            let after = u64::try_from(after.as_micros()).unwrap_or(u64::MAX);
            info.round_trip_us = Some(after.saturating_sub(info.held_us));
            Some(info)
        };
        Ok(answers.into_iter().filter_map(decode).collect())
    }
}

impl IntoFuture for Describing {
    type Output = Result<Vec<InstanceInfo>, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.ask())
    }
}

impl fmt::Debug for Describing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Describing")
            .field("of", &self.of)
            .field("wait", &self.wait)
            .field("is_brief", &self.is_brief)
            .finish_non_exhaustive()
    }
}
