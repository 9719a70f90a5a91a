//! Messages, requests, and what is told of them.

use crate::{
    Server,
    running::{Run, conduit, conduit_with, echo},
};

#[test]
fn a_request_prints_the_reply_whatever_it_is_made_of() {
    let server = Server::start();
    let _running = echo(&server, "users");
    assert_eq!(conduit(&server, &["request", "users", "echo", "text"]).out, "text");
    let long: String = (0..100_000).map(|number| number.to_string()).collect();
    let asked = conduit_with(&server, &["request", "users", "echo"], long.as_bytes());
    assert!(asked.out == long && asked.code == Some(0));
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("body");
    std::fs::write(&file, &long).expect("it can be written");
    let named = format!("@{}", file.display());
    assert!(conduit(&server, &["request", "users", "echo", &named]).out == long);
    let asked = conduit(&server, &["request", "users", "echo", "@/no/such/file"]);
    assert_eq!((asked.code, asked.err.contains("/no/such/file")), (Some(3), true));
}

#[test]
fn the_exit_code_tells_whether_a_handler_ran() {
    let server = Server::start();
    let failing = ["serve", "users", "fail", "--exec", "sh", "-c", "echo it hurts >&2; exit 7"];
    let _failing = Run::start(&server, &failing, "serving");
    let asked = conduit(&server, &["request", "users", "fail", "x"]);
    assert_eq!((asked.code, asked.out.as_str()), (Some(5), ""));
    assert!(asked.err.contains("it hurts"), "{}", asked.err);
    let asked = conduit(&server, &["request", "nobody", "fail", "x", "--json"]);
    assert_eq!(asked.code, Some(3));
    let told: serde_json::Value = serde_json::from_str(&asked.err).expect("it is JSON");
    assert_eq!((told["kind"].as_str(), told["code"].as_u64()), (Some("NoReceivers"), Some(3)));

    // One that does not say what it does.
    let stuck = Run::start(&server, &["serve", "users", "stuck", "--echo"], "serving");
    stuck.signal("STOP");
    let asked = conduit(&server, &["request", "users", "stuck", "x", "--timeout", "500ms"]);
    assert_eq!(asked.code, Some(4), "{}", asked.err);
    assert!(asked.err.contains("--timeout"), "it says what to do: {}", asked.err);

    for wrong in [&["request", "users"][..], &["reqest"], &["request", "a", "b..c", "x"]] {
        assert_eq!(conduit(&server, wrong).code, Some(2), "{wrong:?}");
    }
    let away = conduit(&server, &["--url", "nats://127.0.0.1:1", "ping"]);
    assert_eq!(away.code, Some(3));
    assert!(away.err.contains("no connection to nats://127.0.0.1:1"), "{}", away.err);
    assert_eq!(conduit(&server, &["--url", "kafka://localhost", "ping"]).code, Some(2));
}

#[test]
fn an_interrupted_request_is_cancelled_at_the_other_side() {
    let server = Server::start();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("pid");
    // It tells that it runs by its own id, and would run for long.
    let script = format!("echo $$ >{0}.new; mv {0}.new {0}; exec sleep 1000", path.display());
    let serve = ["serve", "users", "slow", "--exec", "sh", "-c", &script];
    let _running = Run::start(&server, &serve, "serving");
    let asking = Run::start_now(&server, &["request", "users", "slow", "x"]);
    let pid = loop {
        match std::fs::read_to_string(&path) {
            Ok(pid) => break pid.trim().to_owned(),
            Err(_) => std::thread::yield_now(),
        }
    };
    asking.signal("INT");
    let asked = asking.ends();
    assert_eq!((asked.code, asked.out.as_str()), (Some(130), ""));
    let process = std::path::PathBuf::from(format!("/proc/{pid}"));
    while process.exists() {
        std::thread::yield_now();
    }
}

#[test]
fn a_message_reaches_those_who_listen_and_one_of_those_who_work() {
    let server = Server::start();
    let listen = ["listen", "users", "noted", "--count", "2", "--json"];
    let listeners = [(); 2].map(|()| Run::start(&server, &listen, "listening"));
    let work = ["work", "users", "noted", "--count", "2"];
    let worker = Run::start(&server, &work, "listening");
    let send = |more: &[&str]| {
        let sent = conduit(&server, &[&["send", "users", "noted"], more].concat());
        assert_eq!(sent.code, Some(0), "{}", sent.err);
        sent.out
    };
    let first = ["{\"a\":1}", "--header", "trace=7", "--content-type", "application/json"];
    assert_eq!(send(&first), "");
    let confirmed = send(&["second", "--confirm", "--expect", "3"]);
    assert_eq!(confirmed.lines().filter(|line| line.ends_with(" has it")).count(), 3);
    for listener in listeners {
        let told = listener.ends();
        let told: Vec<serde_json::Value> =
            told.out.lines().map(|line| serde_json::from_str(line).expect("it is JSON")).collect();
        assert_eq!(told[0]["body"]["text"], "{\"a\":1}");
        assert_eq!(told[0]["content_type"], "application/json");
        assert_eq!(told[0]["headers"][0][1], "7");
        assert_eq!(
            (&told[0]["service"], &told[1]["body"]["text"]),
            (&"conduit-cli".into(), &"second".into())
        );
    }
    assert_eq!(worker.ends().out, "conduit-cli trace=7 {\"a\":1}\nconduit-cli second\n");
}

#[test]
fn everyone_is_asked_and_the_worst_answer_decides() {
    let server = Server::start();
    let serve = |script: &str| {
        let args = ["serve", "users", "how", "--plain", "--exec", "sh", "-c", script];
        Run::start(&server, &args, "serving")
    };
    let _well = [serve("echo fine"), serve("echo good")];
    let ask = |more: &[&str]| conduit(&server, &[&["ask", "users", "how", "x"], more].concat());
    let asked = ask(&["--expect", "2"]);
    assert_eq!(asked.code, Some(0));
    let mut told: Vec<_> = asked.out.lines().map(|line| &line[33..]).collect();
    told.sort_unstable();
    assert_eq!(told, ["fine", "good"]);
    let _ill = serve("exit 1");
    let asked = ask(&["--expect", "3", "--json"]);
    assert_eq!((asked.code, asked.out.lines().count()), (Some(5), 3));
    let nobody = conduit(&server, &["ask", "users", "nothing", "x"]);
    assert_eq!(nobody.code, Some(3));
}
