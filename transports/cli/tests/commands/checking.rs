//! What `check` and `bench` find.

use crate::{
    Server,
    running::{Ended, conduit},
};

const PERMISSIONS: &str = r#"
authorization {
  users: [
    { user: good, password: one, permissions {
        publish: { allow: ["conduit.>", "$SYS.REQ.USER.INFO"], deny: "conduit.*.n.>" }
        subscribe: ["conduit.good.>", "conduit.directory", "_INBOX.>"]
    } }
    { user: silent, password: two, permissions {
        publish: { allow: "conduit.>", deny: "conduit.*.n.>" }
        subscribe: "conduit.silent.>"
    } }
    { user: mute, password: three, permissions {
        publish: ["conduit.>", "$SYS.REQ.USER.INFO"]
        subscribe: "_INBOX.>"
    } }
  ]
}
"#;

fn check(server: &Server, user: &str, password: &str) -> Ended {
    let args = ["check", "--user", user, "--password", password, "--as", user];
    conduit(server, &args)
}

#[test]
fn permissions_are_compared_with_what_is_needed() {
    let server = Server::with_config(PERMISSIONS);
    let good = check(&server, "good", "one");
    assert_eq!(good.code, Some(0), "{}{}", good.out, good.err);
    assert!(!good.out.contains("note") && !good.out.contains("FAIL"), "{}", good.out);
    for found in ["may listen as good", "may ask every service", "may not forge", "ready"] {
        assert!(good.out.contains(found), "{found}: {}", good.out);
    }
    let silent = check(&server, "silent", "two");
    assert_eq!(silent.code, Some(0), "{}{}", silent.out, silent.err);
    assert!(silent.out.contains("the server does not tell them"), "{}", silent.out);
    let mute = check(&server, "mute", "three");
    assert_eq!(mute.code, Some(3));
    for found in ["may not listen as mute", "permit `subscribe: \"conduit.mute.>\"`", "may forge"] {
        assert!(mute.out.contains(found), "{found}: {}", mute.out);
    }
    let wrong = check(&server, "good", "wrong");
    assert_eq!(wrong.code, Some(3));
    assert!(wrong.err.contains("no connection"), "{}", wrong.err);
    assert!(!wrong.err.contains("wrong"), "a password is not shown: {}", wrong.err);
}

#[test]
fn a_server_without_rules_is_fine_and_said_to_be_open() {
    let server = Server::start();
    let checked = conduit(&server, &["check", "--json"]);
    assert_eq!(checked.code, Some(0), "{}", checked.err);
    let found = |what: &str| -> serde_json::Value {
        let lines = checked
            .out
            .lines()
            .map(|line| -> serde_json::Value { serde_json::from_str(line).expect("it is JSON") });
        let mut lines = lines.filter(|it| it["what"] == what);
        lines.next().unwrap_or_else(|| panic!("{what} is missing: {}", checked.out))
    };
    assert_eq!(found("payload")["found"], "1.0 MiB in a packet");
    assert!(found("server")["found"].as_str().is_some_and(|it| it.contains("nats-server 2.")));
    assert_eq!(found("conduit")["found"], "version 1 of the protocol, ready");
    assert!(found("permissions")["change"].as_str().is_some_and(|it| it.contains("conduit.*.n.>")));
    let small = Server::with_config("max_payload: 8192");
    assert_eq!(conduit(&small, &["check"]).code, Some(3));
}

#[test]
fn a_bench_measures_three_things() {
    let server = Server::start();
    let measured = conduit(&server, &["bench", "--for", "200ms", "--json"]);
    assert_eq!(measured.code, Some(0), "{}", measured.err);
    let lines = measured
        .out
        .lines()
        .map(|line| -> serde_json::Value { serde_json::from_str(line).expect("it is JSON") });
    let lines: Vec<_> = lines.collect();
    let what: Vec<_> = lines.iter().map(|it| it["what"].as_str().expect("a name")).collect();
    assert_eq!(what, ["send", "request", "stream"]);
    assert!(lines.iter().all(|it| it["bytes"].as_u64() > Some(0)), "{}", measured.out);
    let (median, longest) = (&lines[1]["median_us"], &lines[1]["longest_us"]);
    assert!(median.as_u64() > Some(0) && longest.as_u64() >= median.as_u64());
    let text = conduit(&server, &["bench", "--for", "100ms"]).out;
    assert!(text.lines().count() == 3 && text.contains("median"), "{text}");
}
