//! What Conduit's transports over brokers have in common: being closed, what is permitted, what
//! is said of the connection, and when to connect again.

mod allowance;
mod announcer;
mod closing;
mod pause;
mod places;

pub use self::{
    announcer::{Announced, Announcer, Event},
    closing::{Closing, News},
    pause::pause_before,
    places::Places,
};
