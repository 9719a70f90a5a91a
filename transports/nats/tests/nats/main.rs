//! Everything over a real server that needs no process for itself.

mod bare;
mod close;
mod cluster;
mod connect;
mod contracts;
mod cut_off;
mod health;
mod limits;
mod notices;
mod payload;
mod permissions;
mod permitted;
mod process_stopped;
mod reconnect;
mod routing;
mod runtime_gone;
mod server_gone;
mod signals;
mod slow_links;
#[path = "../support/mod.rs"]
mod support;
mod tap;
mod traces;
mod unusable;

mod conduit {
    conduit_testing::conduit_suite!(crate::support::Server);
}

mod fleet {
    conduit_testing::fleet_suite!(crate::support::Server);
}

mod flush {
    conduit_testing::flush_suite!(crate::support::Server);
}

mod leave {
    conduit_testing::leave_suite!(crate::support::Server);
}

mod process_killed {
    conduit_testing::process_killed_suite!(crate::support::Server);
}

mod server_killed {
    conduit_testing::server_killed_suite!(crate::support::Server);
}
