//! Protocol Buffers for Conduit, by prost.
