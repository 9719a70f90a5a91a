//! What works over every broker, and what only NATS has.

use conduit_testing::Broker;

use crate::running::{Run, conduit, conduit_with};

/// Services of a namespace are seen, asked and checked there, and not elsewhere.
pub(crate) fn services_are_seen_asked_and_checked(server: &impl Broker, namespace: &str) {
    let within = |args: &[&'static str]| [args, &["--namespace", namespace]].concat();
    let serving = within(&["serve", "users", "echo", "--echo"]);
    let _serving = Run::start(server, &serving, "serving");
    let seen = conduit(server, &within(&["services"]));
    assert!(seen.out.contains("users"), "{}{}", seen.out, seen.err);
    let long = "long".repeat(100_000);
    let asked = conduit_with(server, &within(&["request", "users", "echo"]), long.as_bytes());
    assert!(asked.out == long && asked.code == Some(0), "{}", asked.err);
    let elsewhere = ["request", "users", "echo", "x", "--namespace", "elsewhere"];
    let elsewhere = conduit(server, &elsewhere);
    assert_eq!(elsewhere.code, Some(3), "{}", elsewhere.err);
    let checked = conduit(server, &within(&["check"]));
    assert_eq!(checked.code, Some(0), "{}{}", checked.out, checked.err);
    assert!(checked.out.contains("ready") && checked.out.contains("round trip"), "{}", checked.out);
}

/// What a broker does not have is refused, and so is a URL with a wrong password, which is not shown.
pub(crate) fn what_it_does_not_have_is_refused(server: &impl Broker, name: &str, wrong: &str) {
    let tapped = conduit(server, &["tap"]);
    assert_eq!(tapped.code, Some(2));
    assert!(tapped.err.contains("for NATS alone"), "{}", tapped.err);
    let with_token = conduit(server, &["ping", "--token", "secret"]);
    assert_eq!(with_token.code, Some(2));
    assert!(with_token.err.contains(&format!("{name} knows users")), "{}", with_token.err);
    assert!(!with_token.err.contains("secret"), "{}", with_token.err);
    let denied = conduit(server, &["ping", "--url", wrong]);
    assert_eq!(denied.code, Some(3));
    assert!(!denied.err.contains("wrong"), "a password is not shown: {}", denied.err);
}
