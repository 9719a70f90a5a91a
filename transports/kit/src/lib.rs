//! What Conduit's transports over brokers have in common: being closed, what is permitted, and when
//! to connect again.

mod allowance;
mod closing;
mod pause;
mod places;

pub use self::{
    closing::{Closing, News},
    pause::pause_before,
    places::Places,
};
