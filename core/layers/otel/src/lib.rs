//! OpenTelemetry traces for a [`Conduit`](conduit::Conduit): see [`conduit::layer`].
//!
//! [`Otel`] is the layer; [`W3c`] reads and writes the headers that traces travel in. Both are built
//! on the API of OpenTelemetry alone: the program chooses the SDK, and without one they cost little
//! and pass traces on.

mod carrier;
mod otel;
mod span;
mod w3c;

pub use conduit_layers::Names;

pub use self::{otel::Otel, w3c::W3c};
