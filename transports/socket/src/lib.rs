//! Sockets, with TLS or without, of transports that speak to their broker themselves. They need no
//! runtime.

mod dial;
mod stream;
mod tls;

pub use self::{
    dial::{DialError, Host, dial},
    stream::Stream,
    tls::{Connector, Tls, TlsError},
};
