//! The scripts of groups, which the server runs as a whole.

/// A script and its name at the server: the SHA-1 of its text, which the server tells when it is
/// loaded.
pub(crate) struct Script {
    pub(crate) text: &'static str,
    pub(crate) sha: &'static str,
}

/// Publishes to a member of a group, and to plain subscriptions if the packet is for both.
pub(crate) const PUBLISH: Script = Script {
    text: include_str!("scripts/publish.lua"),
    sha: "e621a887b77f0e1bf42ed012a64a68b94731fbd9",
};

/// Makes a member of a group, or notes that it is still there.
pub(crate) const RENEW: Script = Script {
    text: include_str!("scripts/renew.lua"),
    sha: "bdd8de218790624994f99a45e849b189d83119a9",
};
