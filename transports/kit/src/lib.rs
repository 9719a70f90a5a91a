//! What Conduit's transports over brokers have in common: being closed, what is permitted, what
//! is said of the connection, when to connect again, and what waits for a reader.

mod allowance;
mod announcer;
mod answer;
mod closing;
mod pause;
mod places;
mod queue;

pub use self::{
    announcer::{Announced, Announcer, Event},
    answer::{Answer, Waiting},
    closing::{Closing, News},
    pause::pause_before,
    places::Places,
    queue::{Pushed, Queue},
};
