//! What the tests of transports have in common: servers that are found or fetched, the runtimes they
//! run under, other processes, and a few words for writing them.

mod addresses;
mod binary;
mod bodies;
mod broker;
mod conduits;
mod guarded;
mod logs;
mod packets;
mod process;
mod proxy;
mod runtimes;
pub mod suites;
mod tls;
mod trials;

pub use conduit_async_std::AsyncStd;
pub use conduit_smol::Smol;
pub use conduit_tokio::Tokio;
pub use libtest_mimic::Trial;
pub use peak_alloc::PeakAlloc;

pub use self::{
    addresses::{control, group, inbox, plain, subject, token},
    binary::{Binary, version_after},
    bodies::{body, read, sha256},
    broker::{Broker, Half, builder, connected, disconnected},
    conduits::{PATIENT, Text, released, run},
    guarded::Guarded,
    logs::{logged, logged_in_thread},
    packets::{arrived, brought, next},
    process::{Process, process_trial, server_url, signal},
    proxy::Proxy,
    runtimes::{Outcome, async_std, block_on, smol, tokio_current_thread, tokio_multi_thread},
    tls::Certificates,
    trials::{run_trials, trial},
};
