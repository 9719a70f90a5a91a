//! The contract of a transport, sentence by sentence, and what this one adds to it.

mod backpressure;
mod common;
mod ending;
mod limits;
mod order;
mod routing;
mod undelivered;
