//! The built program, against a RabbitMQ server. Without one the tests are ignored.

use std::process::ExitCode;

use conduit_testing::{Broker, Guarded, Outcome, trial};
use running::conduit;
use support::Server;

#[path = "../commands/elsewhere.rs"]
mod elsewhere;
#[path = "../commands/running.rs"]
#[allow(dead_code)]
mod running;
#[path = "../../../rabbitmq/tests/support/mod.rs"]
mod support;

type Test = fn() -> Outcome;

fn main() -> ExitCode {
    let tests: [(&str, Test); 4] = [
        ("services_are_seen_asked_and_checked", services_are_seen_asked_and_checked),
        ("users_and_virtual_hosts_are_taken", users_and_virtual_hosts_are_taken),
        ("connections_are_encrypted", connections_are_encrypted),
        ("what_rabbitmq_does_not_have_is_refused", what_rabbitmq_does_not_have_is_refused),
    ];
    support::run(tests.into_iter().map(|(name, test)| trial(name, test)).collect())
}

fn services_are_seen_asked_and_checked() -> Outcome {
    let server = Server::start();
    elsewhere::services_are_seen_asked_and_checked(&server, server.namespace());
    Ok(())
}

fn users_and_virtual_hosts_are_taken() -> Outcome {
    let server = Server::start_guarded();
    let url = server.url();
    let as_user = |user: &str, service: &str| {
        let secret = format!("{user}-secret");
        let url = ["check", "--url", &url, "--user", user, "--password", &secret, "--as", service];
        conduit(&server, &url)
    };
    let good = as_user("asker", "asker");
    assert_eq!(good.code, Some(0), "{}{}", good.out, good.err);
    let other = as_user("asker", "worker");
    assert_eq!(other.code, Some(3), "{}{}", other.out, other.err);
    assert!(other.out.contains("FAIL") && other.out.contains("set_permissions"), "{}", other.out);
    Ok(())
}

fn connections_are_encrypted() -> Outcome {
    let server = Server::start();
    let node = server.node();
    let url = format!("amqps://localhost:{}", node.tls_port());
    let authority = node.certificates.path("ca.pem").display().to_string();
    let namespace = ["--namespace", server.namespace()];
    let check = ["check", "--url", &url];
    let trusting = [&check[..], &["--tls-ca", &authority], &namespace].concat();
    let trusting = conduit(&server, &trusting);
    assert_eq!(trusting.code, Some(0), "{}{}", trusting.out, trusting.err);
    let doubting = conduit(&server, &[&check[..], &namespace].concat());
    assert_eq!(doubting.code, Some(3), "{}{}", doubting.out, doubting.err);
    assert!(doubting.err.contains("no connection"), "{}", doubting.err);
    Ok(())
}

fn what_rabbitmq_does_not_have_is_refused() -> Outcome {
    let server = Server::start();
    let wrong = format!("amqp://nobody:wrong@127.0.0.1:{}", server.node().port());
    elsewhere::what_it_does_not_have_is_refused(&server, "RabbitMQ", &wrong);
    let namespace = server.namespace();
    assert!(conduit(&server, &["ping", "--namespace", namespace]).err.contains("no service"));
    Ok(())
}
