//! Runs Conduit on smol.
