//! What a conduit tells of itself.

use super::Builder;
use crate::{Error, ErrorKind, about::About};

impl<R, T, E> Builder<R, T, E> {
    /// Sets the version of the program, which [askers](crate::Conduit::instances) are told:
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

    /// Sets a sentence on what the program is for, which [askers](crate::Conduit::instances)
    /// are told: at most 1,024 bytes.
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.about.description = Some(description.into());
        self
    }

    /// Sets whether the conduit answers those that [ask](crate::Conduit::instances) its service for
    /// its instances; by default it does.
    ///
    /// The answer has everything of an [`InstanceInfo`](crate::InstanceInfo), and no content of any
    /// message. Every client that may publish to the service can ask. At most ten questions a second are
    /// answered, each after a random part of a third of the time that the asker waits.
    pub fn describes(mut self, yes: bool) -> Self {
        self.about.describes = yes;
        self
    }

    /// Sets whether the conduit answers questions to [all services](crate::Conduit::services) too;
    /// by default it does not, since that shows which services there are.
    ///
    /// It needs the broker's permission to subscribe to the directory. Without it, the conduit logs
    /// a warning and does without.
    pub fn discoverable(mut self, yes: bool) -> Self {
        self.about.is_discoverable = yes;
        self
    }
}

/// Checks what the user has said.
pub(super) fn check(about: &About) -> Result<(), Error> {
    if let Some(version) = &about.version
        && !(version.len() <= About::MAX_VERSION && is_version(version))
    {
        let text = format!(
            "{version:?} cannot be a version: that is three numbers, as in \"1.4.0\" or \
             \"1.4.0-rc.1\" (semver.org), in at most {} bytes",
            About::MAX_VERSION
        );
        return Err(Error::new(ErrorKind::InvalidName, text));
    }
    let length = about.description.as_ref().map_or(0, String::len);
    if length > About::MAX_DESCRIPTION {
        let text = format!("a description has at most {} bytes", About::MAX_DESCRIPTION);
        return Err(Error::new(ErrorKind::InvalidLimit, text));
    }
    Ok(())
}

/// Returns whether a text is a version as semver.org (2.0.0) defines it.
fn is_version(text: &str) -> bool {
    let (text, build) = text.split_once('+').map_or((text, None), |(a, b)| (a, Some(b)));
    let (core, pre) = text.split_once('-').map_or((text, None), |(a, b)| (a, Some(b)));
    let is_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let is_number =
        |part: &str| !part.is_empty() && is_digits(part) && (part == "0" || !part.starts_with('0'));
    let is_label = |part: &str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let is_pre = |part: &str| is_label(part) && (!is_digits(part) || is_number(part));
    core.split('.').count() == 3
        && core.split('.').all(is_number)
        && pre.is_none_or(|pre| pre.split('.').all(is_pre))
        && build.is_none_or(|build| build.split('.').all(is_label))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_those_of_semver() {
        let good = ["0.0.0", "1.4.0", "10.20.30-rc.1", "1.0.0-0A.x-y", "1.0.0+007", "1.0.0-a+b.-"];
        let bad = [
            "", "1", "1.2", "1.2.3.4", "01.2.3", "1.2.3-", "1.2.3-01", "1.2.3+", "v1.2.3", "1.2.x",
        ];
        assert_eq!(good.map(is_version), good.map(|_| true));
        assert_eq!(bad.map(is_version), bad.map(|_| false));
    }
}
