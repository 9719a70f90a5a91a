//! Packets on the wire.

use crate::{
    Server,
    running::{Run, conduit, echo},
};

#[test]
fn a_conversation_is_shown_packet_by_packet() {
    let server = Server::start();
    let _running = echo(&server, "users");
    let mut tapping = Run::start(&server, &["tap", "--count", "12"], "does not tell senders");
    let verbose = ["tap", "users", "--verbose", "--count", "4"];
    let mut verbose = Run::start(&server, &verbose, "does not tell senders");
    while !tapping.has_ended() || !verbose.has_ended() {
        let long = "x".repeat(20_000);
        for body in ["short", &long] {
            let asked = conduit(&server, &["request", "users", "echo", body]);
            assert_eq!((asked.code, asked.out.len()), (Some(0), body.len()));
        }
    }
    let told = tapping.ends().out;
    assert_eq!(told.lines().count(), 12, "{told}");
    let short = told.lines().find(|line| line.contains(" Message ")).expect("a message");
    assert!(short.starts_with("users.s.1.1.echo Message SERVICE=conduit-cli INSTANCE="), "{short}");
    assert!(short.contains(" FLAGS=REQUEST") && short.ends_with(" short"), "{short}");
    let reply = told.lines().find(|line| line.contains(" Reply ")).expect("a reply");
    assert!(reply.starts_with("conduit-cli.i.") && reply.ends_with(" short"), "{reply}");
    let told = verbose.ends().out;
    assert!(told.contains("\n  SERVICE       conduit-cli\n"), "{told}");
}
