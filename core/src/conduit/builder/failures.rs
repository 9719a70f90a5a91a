//! What askers are told of failures.

use std::error::Error as StdError;

use super::Builder;
use crate::{Failure, error::FailureMap};

impl<R, T, E> Builder<R, T, E> {
    /// Sets whether the text of a handler's panic is sent to the asker; off by default, since panic
    /// texts are not written for peers. The text is logged in any case.
    pub fn send_panic_texts(mut self, send: bool) -> Self {
        self.config.send_panic_texts = send;
        self
    }

    /// Sets whether the texts of all failures are withheld from askers; off by default. The code
    /// and the detail of a [`Failure`](crate::Failure) are sent in any case, since they are meant
    /// for programs. Withheld texts are logged.
    pub fn hide_failure_texts(mut self, hide: bool) -> Self {
        self.config.hide_failure_texts = hide;
        self
    }

    /// Turns errors of handlers into [`Failure`]s, whose codes askers can rely on. It is called with
    /// an error that contains no `Failure`, then with each of its causes, until it returns one. A
    /// binding may have a [map of its own](crate::Binding::map_failure), which comes first.
    ///
    /// ```
    /// use std::{error::Error, io};
    ///
    /// use conduit::{Conduit, Failure};
    /// use conduit_json::Json;
    /// use conduit_memory::Memory;
    /// use conduit_smol::Smol;
    ///
    /// fn failure(error: &(dyn Error + 'static)) -> Option<Failure> {
    ///     match error.downcast_ref::<io::Error>()?.kind() {
    ///         io::ErrorKind::NotFound => Some(Failure::new("not.found", "there is no such file")),
    ///         _ => None,
    ///     }
    /// }
    ///
    /// # fn main() -> Result<(), Box<dyn Error>> {
    /// # smol::block_on(async {
    /// let builder = Conduit::builder("files").runtime(Smol).transport(Memory::new());
    /// let files = builder.encoder(Json).map_failure(failure).build()?;
    /// files.queue_bind("size").await?.serve(async |path: String| {
    ///     Ok::<_, io::Error>(std::fs::metadata(path)?.len())
    /// });
    ///
    /// let size = files.own_service().request("size", "/no/such/file").await;
    /// let error = size.expect_err("there is no file");
    /// assert_eq!(error.failure().map(Failure::code), Some("not.found"));
    /// # Ok(())
    /// # })
    /// # }
    /// ```
    pub fn map_failure(
        mut self,
        map: impl Fn(&(dyn StdError + 'static)) -> Option<Failure> + Send + Sync + 'static,
    ) -> Self {
        self.config.failure_map = Some(FailureMap::new(map));
        self
    }
}
