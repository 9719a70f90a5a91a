//! Commands as handlers.

use crate::{
    Server,
    running::{Run, conduit, conduit_with},
};

fn serve(server: &Server, script: &str) -> Run {
    let args = ["serve", "shop", "run", "--exec", "sh", "-c", script];
    Run::start(server, &args, "serving")
}

#[test]
fn a_command_reads_the_body_and_writes_the_reply() {
    let server = Server::start();
    let _running = serve(&server, "printf '%s from %s: ' $CONDUIT_SUBJECT $CONDUIT_SOURCE; rev");
    let asked = conduit(&server, &["--as", "till", "request", "shop", "run", "abc"]);
    assert_eq!(asked.out.trim(), "run from till: cba");
}

#[test]
fn a_long_reply_streams_and_fails_when_its_command_does() {
    let server = Server::start();
    let long = vec![b'x'; 3 << 20];
    let _running = serve(&server, "cat");
    let asked = conduit_with(&server, &["request", "shop", "run"], &long);
    assert!(asked.out.as_bytes() == long && asked.code == Some(0), "{}", asked.err);
    drop(_running);
    let _running = serve(&server, "cat; echo too late >&2; exit 9");
    let asked = conduit_with(&server, &["request", "shop", "run"], &long);
    assert_eq!(asked.code, Some(5), "{}", asked.err);
    assert!(asked.err.contains("too late"), "{}", asked.err);
}

#[test]
fn what_cannot_be_run_is_a_failure() {
    let server = Server::start();
    let args = ["serve", "shop", "run", "--count", "1", "--exec", "/no/such/command"];
    let running = Run::start(&server, &args, "serving");
    let asked = conduit(&server, &["request", "shop", "run", "x"]);
    assert_eq!(asked.code, Some(5));
    assert!(asked.err.contains("/no/such/command cannot be run"), "{}", asked.err);
    assert_eq!(running.ends().code, Some(0), "it has had its one message");
}
