/// What a builder was told of the instance.
#[derive(Debug, Clone)]
pub(crate) struct About {
    pub(crate) version: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) runtime: &'static str,
    pub(crate) transport: &'static str,
    pub(crate) content_type: &'static str,
    /// Whether it answers questions to its service.
    pub(crate) describes: bool,
    /// Whether it answers questions to all services.
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
}

/// Returns the name of a type without its path and parameters.
pub(crate) fn type_name<T: ?Sized>() -> &'static str {
    let path = std::any::type_name::<T>();
    let path = path.split_once('<').map_or(path, |(path, _)| path);
    path.rsplit_once("::").map_or(path, |(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_type_has_no_path() {
        assert_eq!(type_name::<About>(), "About");
        assert_eq!(type_name::<Option<Vec<About>>>(), "Option");
        assert_eq!(type_name::<u8>(), "u8");
    }
}
