//! Sockets, with TLS or without, of transports that speak to their broker themselves. They need no
//! runtime.

mod connection;
mod dial;
mod stream;
mod tls;

pub use self::{
    connection::{connect_again, write_packets},
    dial::{DialError, Host, dial},
    stream::Stream,
    tls::{Connector, Tls, TlsError},
};
