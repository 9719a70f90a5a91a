use crate::{Error, ErrorKind};

/// What a builder was told of the instance.
#[derive(Debug, Clone)]
pub(crate) struct About {
    pub(crate) version: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) runtime: &'static str,
    pub(crate) transport: &'static str,
    pub(crate) content_type: &'static str,
    /// Whether it answers those who ask its service.
    pub(crate) describes: bool,
    /// Whether it answers those who ask all services.
    pub(crate) is_discoverable: bool,
}

impl Default for About {
    fn default() -> Self {
        Self {
            version: None,
            description: None,
            runtime: "",
            transport: "",
            content_type: "",
            describes: true,
            is_discoverable: false,
        }
    }
}

impl About {
    /// The maximum length of a version, in bytes.
    pub(crate) const MAX_VERSION: usize = 64;
    /// The maximum length of a description, in bytes.
    pub(crate) const MAX_DESCRIPTION: usize = 1024;

    /// Checks what the user has said.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if let Some(version) = &self.version
            && !(version.len() <= Self::MAX_VERSION && is_version(version))
        {
            let text = format!(
                "{version:?} cannot be a version: that is three numbers, as in \"1.4.0\" or \
                 \"1.4.0-rc.1\" (semver.org), in at most {} bytes",
                Self::MAX_VERSION
            );
            return Err(Error::new(ErrorKind::InvalidName, text));
        }
        let length = self.description.as_ref().map_or(0, String::len);
        if length > Self::MAX_DESCRIPTION {
            let text = format!("a description has at most {} bytes", Self::MAX_DESCRIPTION);
            return Err(Error::new(ErrorKind::InvalidLimit, text));
        }
        Ok(())
    }
}

/// Returns the name of a type without its path and parameters.
pub(crate) fn type_name<T: ?Sized>() -> &'static str {
    let path = std::any::type_name::<T>();
    let path = path.split_once('<').map_or(path, |(path, _)| path);
    path.rsplit_once("::").map_or(path, |(_, name)| name)
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

    #[test]
    fn the_name_of_a_type_has_no_path() {
        assert_eq!(type_name::<About>(), "About");
        assert_eq!(type_name::<Option<Vec<About>>>(), "Option");
        assert_eq!(type_name::<u8>(), "u8");
    }
}
