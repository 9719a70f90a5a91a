//! Everything over a real server that needs no process for itself.

mod connect;
mod groups;
mod network;
mod permitted;
mod requests;
mod sentinel;
#[path = "../support/mod.rs"]
mod support;

mod close {
    conduit_testing::close_suite!(crate::support::Server);
}

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

mod reconnect {
    conduit_testing::reconnect_suite!(crate::support::Server);
}

mod routing {
    conduit_testing::routing_suite!(crate::support::Server);
}

mod server_killed {
    conduit_testing::server_killed_suite!(crate::support::Server);
}
