//! What works over Redis too.

use server::Server;

use crate::running::{Run, conduit, conduit_with};

#[path = "../../../redis/tests/support/binary.rs"]
#[allow(dead_code, unreachable_pub)]
mod binary;
#[path = "../../../redis/tests/support/server.rs"]
#[allow(dead_code, unreachable_pub)]
mod server;

#[test]
fn services_are_seen_asked_and_checked() {
    let server = Server::start();
    let serving = ["serve", "users", "echo", "--echo", "--namespace", "staging"];
    let _serving = Run::start(&server, &serving, "serving");
    let seen = conduit(&server, &["services", "--namespace", "staging"]);
    assert!(seen.out.contains("users"), "{}{}", seen.out, seen.err);
    let long = "long".repeat(100_000);
    let asking = ["request", "users", "echo", "--namespace", "staging"];
    let asked = conduit_with(&server, &asking, long.as_bytes());
    assert!(asked.out == long && asked.code == Some(0), "{}", asked.err);
    let elsewhere = conduit(&server, &["request", "users", "echo", "x"]);
    assert_eq!(elsewhere.code, Some(3), "{}", elsewhere.err);
    let checked = conduit(&server, &["check"]);
    assert!(checked.code == Some(0) && checked.out.contains("ready"), "{}", checked.out);
}

#[test]
fn what_redis_does_not_have_is_refused() {
    let server = Server::start();
    let tapped = conduit(&server, &["tap"]);
    assert_eq!(tapped.code, Some(2));
    assert!(tapped.err.contains("for NATS alone"), "{}", tapped.err);
    let with_token = conduit(&server, &["ping", "--token", "secret"]);
    assert_eq!(with_token.code, Some(2));
    assert!(!with_token.err.contains("secret"), "{}", with_token.err);
    let url = server.url_as("nobody", "wrong");
    let denied = conduit(&server, &["ping", "--url", &url]);
    assert_eq!(denied.code, Some(3));
    assert!(!denied.err.contains("wrong"), "a password is not shown: {}", denied.err);
    assert!(conduit(&server, &["ping", "--url", &server.url()]).err.contains("no service"));
}
