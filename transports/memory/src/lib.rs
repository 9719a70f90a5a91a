//! An in-process broker for Conduit, for tests and single-process programs.
