//! What Conduit's transports over brokers have in common: being closed, what is permitted, what
//! is said of the connection, who shares it, when to connect again, and what waits for a reader.

mod allowance;
mod announcer;
mod answer;
mod closing;
mod driven;
mod lease;
mod pause;
mod permission;
mod places;
mod queue;

pub use self::{
    announcer::{Announced, Announcer, Event},
    answer::{Answer, Waiting},
    closing::{Closing, News},
    driven::{Driven, Machine, Phase},
    lease::Lease,
    pause::pause_before,
    permission::{LastPermitted, Permission},
    places::Places,
    queue::{Pushed, Queue},
};
