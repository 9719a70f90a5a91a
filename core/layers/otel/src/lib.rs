//! OpenTelemetry for a [`Conduit`](conduit::Conduit), on the API alone: the program chooses the SDK.
//!
//! [`W3c`] reads and writes the headers that traces travel in.

#[cfg(test)]
mod carrier;
mod w3c;

pub use self::w3c::W3c;
