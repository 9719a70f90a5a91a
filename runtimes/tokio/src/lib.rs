//! Runs Conduit on tokio.
