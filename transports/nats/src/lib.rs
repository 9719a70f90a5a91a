//! NATS for Conduit, by async-nats.
