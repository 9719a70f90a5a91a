//! Runs Conduit on async-std.
