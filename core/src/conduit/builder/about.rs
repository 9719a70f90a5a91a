//! What a conduit tells of itself.

use super::Builder;

impl<R, T, E> Builder<R, T, E> {
    /// Sets the version of the program, which those who [ask](crate::Conduit::instances) are told:
    /// three numbers, as [semver.org](https://semver.org) defines them. With another text, `build`
    /// fails with `InvalidName`.
    ///
    /// ```
    /// use conduit::{Conduit, ErrorKind};
    /// use conduit_json::Json;
    /// use conduit_memory::Memory;
    /// use conduit_smol::Smol;
    ///
    /// let builder = || Conduit::builder("mail").runtime(Smol).transport(Memory::new()).encoder(Json);
    /// let conduit = builder().version(env!("CARGO_PKG_VERSION")).description("Sends mail").build()?;
    /// assert_eq!(conduit.describe().description.as_deref(), Some("Sends mail"));
    ///
    /// let error = builder().version("the new one").build().expect_err("these are no numbers");
    /// assert_eq!(error.kind(), ErrorKind::InvalidName);
    /// # Ok::<(), conduit::Error>(())
    /// ```
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.about.version = Some(version.into());
        self
    }

    /// Sets a sentence on what the program is for, which those who [ask](crate::Conduit::instances)
    /// are told: at most 1,024 bytes.
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.about.description = Some(description.into());
        self
    }

    /// Sets whether the conduit answers those who [ask](crate::Conduit::instances) its service for
    /// its instances; by default it does.
    ///
    /// The answer has everything of an [`InstanceInfo`](crate::InstanceInfo), and no content of any
    /// message. Whoever may publish to the service can ask. At most ten questions a second are
    /// answered, each after a random part of a third of the time that the asker waits.
    pub fn describes(mut self, yes: bool) -> Self {
        self.about.describes = yes;
        self
    }

    /// Sets whether the conduit answers those who ask [all services](crate::Conduit::services) too;
    /// by default it does not, since that shows which services there are.
    ///
    /// It needs the broker's permission to subscribe to the directory. Without it, the conduit logs
    /// a warning and does without.
    pub fn discoverable(mut self, yes: bool) -> Self {
        self.about.is_discoverable = yes;
        self
    }
}
