//! Benchmarks of Conduit over a transport, beside what lies under it: its broker's own client.
//!
//! Absolute numbers say more of a machine, and of what else it does, than of a library. So each
//! [case](Bench::case) runs both sides in one process, one round after the other, and what counts
//! is the median of their ratios.

mod bench;
mod conduits;
mod goal;
mod median;
mod options;
mod pace;
mod plot;
mod report;
mod requests;
mod resident;
mod streams;
mod under;

pub use self::{
    bench::{Bench, Side},
    conduits::{WINDOW, mebibytes, one_way, requests, stream_to_group},
    goal::{Goal, Limit},
    options::Options,
    pace::{Ahead, Behind, pace},
    plot::{Line, plot},
    report::{Quantity, Unit},
    requests::{Latencies, in_flight, request},
    resident::{Resident, peak_over},
    streams::{Pattern, read_whole},
    under::Under,
};
