//! The whole library under random work and random faults, against an oracle that knows what each
//! party may see; and what has to happen at exact times.
//!
//! Each test runs some hundred seeds. `CONDUIT_SIM_SEEDS=100000` runs as many as one likes in each,
//! `CONDUIT_SIM_SEED=17` runs one, and prints what happened in it.

mod beside;
mod chaos;
mod describing;
mod edges;
mod faults;
mod half_way;
mod handlers;
mod leaving;
mod limits;
mod missed;
mod napping;
mod net;
mod once;
mod oracle;
mod plan;
mod planted;
mod profiles;
mod regressions;
mod replay;
mod restarts;
mod scenarios;
mod senders;
mod sent;
mod sharing;
mod slow_links;
mod stranger;
mod truth;
mod world;
