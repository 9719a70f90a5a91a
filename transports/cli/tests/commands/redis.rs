//! What works over Redis too.

use server::Server;

use crate::{elsewhere, running::conduit};

#[path = "../../../redis/tests/support/binary.rs"]
#[allow(dead_code, unreachable_pub)]
mod binary;
#[path = "../../../redis/tests/support/server.rs"]
#[allow(dead_code, unreachable_pub)]
mod server;

#[test]
fn services_are_seen_asked_and_checked() {
    let server = Server::start();
    elsewhere::services_are_seen_asked_and_checked(&server, "staging");
    // Without a namespace there is none of them.
    let outside = conduit(&server, &["request", "users", "echo", "x"]);
    assert_eq!(outside.code, Some(3), "{}", outside.err);
    let checked = conduit(&server, &["check"]);
    assert!(checked.code == Some(0) && checked.out.contains("ready"), "{}", checked.out);
}

#[test]
fn what_redis_does_not_have_is_refused() {
    let server = Server::start();
    let wrong = server.url_as("nobody", "wrong");
    elsewhere::what_it_does_not_have_is_refused(&server, "Redis", &wrong);
    assert!(conduit(&server, &["ping", "--url", &server.url()]).err.contains("no service"));
}
