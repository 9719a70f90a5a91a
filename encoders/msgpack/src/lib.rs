//! MessagePack for Conduit, by rmp-serde.
