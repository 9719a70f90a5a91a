//! Which services there are, and how they are.

use crate::{
    Server,
    golden::{assert_golden, stable, stable_json},
    running::{Run, conduit, echo},
};

/// Three services with five instances.
fn five(server: &Server) -> Vec<Run> {
    let serve = |service: &str, version: &str, more: &[&str]| {
        let args = ["serve", service, "work.do", "--service-version", version];
        Run::start(server, &[&args[..], more].concat(), "serving")
    };
    vec![
        serve("users", "1.2.0", &["--echo"]),
        serve("users", "1.3.0-rc.1", &["--echo"]),
        serve("mail", "2.0.0", &["--concurrency", "4", "--exec", "false"]),
        serve("mail", "2.0.0", &["--concurrency", "4", "--exec", "false"]),
        serve("files", "0.1.0", &["--plain", "--echo"]),
    ]
}

#[test]
fn services_instances_and_counts_are_shown() {
    let server = Server::start();
    let _running = five(&server);
    for _ in 0..6 {
        assert_eq!(conduit(&server, &["request", "users", "work.do", "four"]).out, "four");
        assert_eq!(conduit(&server, &["request", "mail", "work.do", ""]).code, Some(5));
    }
    for command in ["services", "info", "stats", "ping"] {
        let args: &[&str] = match command {
            "services" => &["services"],
            "ping" => &["ping"],
            command => &[command, "files"],
        };
        let shown = conduit(&server, args);
        assert_eq!((shown.code, &*shown.err), (Some(0), ""));
        assert_golden(&format!("{command}.txt"), &stable(&shown.out));
        let shown = conduit(&server, &[&["--json"], args].concat());
        assert_eq!((shown.code, &*shown.err), (Some(0), ""));
        assert_golden(&format!("{command}.json"), &stable_json(&shown.out));
    }
    // Which of the two instances had how many of them is chance.
    for (service, handled, errors) in [("users", 6, 0), ("mail", 0, 6)] {
        let shown = conduit(&server, &["stats", service, "--json"]);
        let sum = |count: &str| -> u64 {
            let instances = shown.out.lines().map(|line| -> serde_json::Value {
                serde_json::from_str(line).expect("each line is JSON")
            });
            instances.map(|it| it["total"][count].as_u64().expect("a number")).sum()
        };
        assert_eq!(shown.out.lines().count(), 2);
        let sums = (sum("messages"), sum("handled"), sum("errors"), sum("requests"));
        assert_eq!(sums, (6, handled, errors, 6), "{service}");
    }
}

#[test]
fn who_is_not_there_is_said() {
    let server = Server::start();
    for command in ["info", "stats", "ping"] {
        let shown = conduit(&server, &[command, "nobody"]);
        assert_eq!((shown.code, &*shown.out), (Some(3), ""));
        assert!(shown.err.starts_with("conduit: no instance of \"nobody\" answered\n"));
    }
    let shown = conduit(&server, &["services", "--json"]);
    assert_eq!((shown.code, &*shown.out), (Some(0), ""));
    let shown = conduit(&server, &["info", "no.name"]);
    assert_eq!((shown.code, shown.err.contains("cannot be a service name")), (Some(2), true));
}

#[test]
fn a_namespace_hides_a_service_from_others() {
    let server = Server::start();
    let args = ["--namespace", "staging", "serve", "users", "echo", "--echo"];
    let _running = Run::start(&server, &args, "serving");
    let ping = |namespace: &[&str]| conduit(&server, &[namespace, &["ping", "users"]].concat());
    assert_eq!(ping(&["--namespace", "staging"]).code, Some(0));
    assert_eq!(ping(&[]).code, Some(3));
}

#[test]
fn watched_counts_are_those_of_what_was_sent() {
    let server = Server::start();
    let _running = echo(&server, "users");
    let mut sent = 0;
    let args = ["stats", "users", "--json", "--watch", "--every", "0s", "--count", "5"];
    let watching = std::thread::scope(|scope| {
        let watching = scope.spawn(|| conduit(&server, &args));
        while !watching.is_finished() {
            assert_eq!(conduit(&server, &["request", "users", "echo", "x"]).code, Some(0));
            sent += 1;
        }
        watching.join().expect("it does not panic")
    });
    let counted = |out: &str| -> Vec<u64> {
        let lines = out.lines().map(|line| -> serde_json::Value {
            serde_json::from_str(line).expect("each line is JSON")
        });
        lines.map(|it| it["total"]["messages"].as_u64().expect("a number")).collect()
    };
    let watched = counted(&watching.out);
    assert_eq!(watched.len(), 5);
    assert!(watched.is_sorted() && watched[0] < watched[4] && watched[4] <= sent, "{watched:?}");
    assert_eq!(counted(&conduit(&server, &["stats", "users", "--json"]).out), [sent]);
}

#[test]
fn completions_know_all_commands_and_options() {
    let server = Server::start();
    for shell in ["bash", "zsh", "fish"] {
        let shown = conduit(&server, &["completions", shell]);
        assert_eq!(shown.code, Some(0));
        for word in ["services", "request", "bench", "tap", "namespace", "content-type"] {
            assert!(shown.out.contains(word), "{shell}: {word}");
        }
    }
    let script = conduit(&server, &["completions", "bash"]).out;
    let run = |line: &str, at: &str| {
        let script = format!(
            "{script}\nCOMP_WORDS=({line}); COMP_CWORD={at}; _conduit conduit ${{COMP_WORDS[{at}]}} ''; \
             echo ${{COMPREPLY[@]}}"
        );
        let output = std::process::Command::new("bash").args(["-c", &script]).output();
        String::from_utf8(output.expect("bash can be run").stdout).expect("it is UTF-8")
    };
    assert_eq!(run("conduit se", "1"), "services send serve\n");
    assert_eq!(run("conduit send --con", "2"), "--content-type --confirm\n");
}
