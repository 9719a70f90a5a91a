//! Each example, run as a user runs it: what it prints, and how it ends.

mod support;

use std::{collections::BTreeSet, error::Error};

use support::program;

type Failed = Box<dyn Error + Send + Sync>;
type Outcome = Result<(), Failed>;

#[test]
fn hello() -> Outcome {
    let printed = run("hello")?;
    for instance in [1, 2] {
        assert!(printed.has(&format!("warehouse {instance} heard of order 1")));
    }
    assert!(printed.has("there are 12 of item teapot"));
    let packed = |by| printed.numbers_after(&format!("{by} packs order "));
    let (one, two) = (packed("warehouse 1"), packed("warehouse 2"));
    assert_eq!(one.len() + two.len(), 6, "each order is packed once");
    assert!(!one.is_empty() && !two.is_empty(), "both pack");
    assert_eq!(&one | &two, (1..=6).collect());
    assert!(printed.has("has read 8388608 bytes"));
    printed.same("SHA-256 sent:", "SHA-256 received:", 64);
    Ok(())
}

#[test]
fn request_reply() -> Outcome {
    let printed = run("request_reply")?;
    assert!(printed.has("84 / 2 = 42"));
    assert!(
        printed
            .has("84 / 0: divide of calculator: the handler failed: no quotient (HandlerFailed)")
    );
    for kind in ["NotDecoded", "Deadline", "NoReceivers"] {
        assert!(printed.has(&format!("({kind})")), "{kind}");
    }
    // Where the deadline passed, the handler's own end may have been heard of in time.
    let count = |executed| printed.count(&format!("executed? {executed}"));
    assert_eq!((count("No"), count("Yes") + count("Maybe")), (1, 3));
    assert!(count("Yes") >= 2, "two handlers failed");
    assert!(printed.has("the server has at most"));
    Ok(())
}

#[test]
fn service() -> Outcome {
    let printed = run("service")?;
    assert!(printed.has("ordered 1, 2 are left"));
    assert!(printed.has("its code is item.scarce, try again: false"));
    assert!(printed.has("its code is item.unknown, try again: false"));
    assert_eq!(printed.count("client counts its teapots"), 2, "every shop counts");
    assert!(printed.has("all shops together have 5"));
    assert!(printed.has("drained: 0 finished, 0 cut off"));
    assert!(printed.has("the other shop has the last order"));
    Ok(())
}

#[test]
fn state() -> Outcome {
    let printed = run("state")?;
    assert!(printed.has("ada has 42"));
    assert!(printed.has("an amount is above 0"));
    assert!(printed.has("closed: true, ada has 0"));
    Ok(())
}

#[test]
fn errors() -> Outcome {
    let printed = run("errors")?;
    assert!(printed.has("teapot: 3 left"));
    assert!(printed.has("spoon: item.unknown, worth another try: false"));
    assert!(printed.has("cup: shelf.counting, worth another try: true"));
    Ok(())
}

#[test]
fn testing() -> Outcome {
    let printed = run("testing")?;
    assert!(printed.has("an order is mailed"));
    assert!(printed.has("20 orders that are not answered end in time"));
    Ok(())
}

#[test]
fn two_encoders() -> Outcome {
    let printed = run("two_encoders")?;
    assert!(printed.has("picked 2 of 3, said in application/json"));
    assert!(printed.has("JSON for the warehouse: NotDecoded"));
    Ok(())
}

/// Over NATS in `production.rs`.
#[test]
fn production_in_memory() -> Outcome {
    let printed = run("production")?;
    assert!(printed.has("ordered 2 teapots, left: Ok(999998)"));
    assert!(printed.has(" 0 cut off; 1 orders"));
    let traces: BTreeSet<_> = printed.after("TraceId      :").collect();
    assert_eq!((printed.count("TraceId"), traces.len()), (4, 1), "one trace of four spans");
    Ok(())
}

#[test]
fn broadcast() -> Outcome {
    let printed = run("broadcast")?;
    for who in ["instance 1, loop", "instance 2, handler", "until"] {
        for user in [1, 2] {
            assert!(printed.has(&format!("{who}: forget user {user}")), "{who}");
        }
    }
    assert!(printed.has("bind_once: forget user 1"));
    assert!(printed.has("bind_once: then None"));
    assert!(printed.has("unbound: true"));
    Ok(())
}

#[test]
fn queue() -> Outcome {
    let printed = run("queue")?;
    let all = "[1, 2, 3, 4, 5, 6, 7, 8, 9]";
    assert!(printed.has(&format!("run, each by one worker: {all}")));
    assert!(printed.has(&format!("seen by the plain binding: {all}")));
    let mut run = BTreeSet::new();
    for name in ["ada", "bob", "eve"] {
        let jobs = printed.numbers_after(&format!("{name} runs job "));
        assert!(!jobs.is_empty(), "{name} works");
        assert!(run.is_disjoint(&jobs), "nobody else has {name}'s jobs");
        run.extend(jobs);
    }
    Ok(())
}

#[test]
fn stream_file() -> Outcome {
    let printed = run("stream_file")?;
    assert!(printed.has("stored 33554432 bytes"));
    printed.same("SHA-256 of the original:", "SHA-256 of the copy:", 64);
    Ok(())
}

#[test]
fn custom_encoder() -> Outcome {
    let printed = run("custom_encoder")?;
    assert!(printed.has("9 bytes on the wire: b\"127.0.0.1\""));
    assert!(printed.has("127.0.0.1 is localhost"));
    assert!(printed.has("it is application/json, and this conduit decodes text/plain"));
    Ok(())
}

#[test]
fn custom_transport() -> Outcome {
    let printed = run("custom_transport")?;
    assert!(printed.has("a request and a reply: 42"));
    assert!(printed.has("a streamed body: 1000000 bytes"));
    assert!(
        printed.has("a request without a receiver: product of server: no receiver is subscribed")
    );
    Ok(())
}

#[test]
fn embed_any_executor() -> Outcome {
    let printed = run("embed_any_executor")?;
    assert!(printed.has("the handler runs on Some(\"worker "));
    assert!(printed.has("300000 bytes came back"));
    assert!(printed.has("the timer works: silent of server: the deadline passed"));
    Ok(())
}

/// Nobody listens at port 1.
#[test]
fn nats_without_a_server() -> Outcome {
    let output = program("nats")?.args(["--url", "nats://127.0.0.1:1"]).output()?;
    let complaint = String::from_utf8(output.stderr)?;
    assert_eq!(output.status.code(), Some(1));
    assert!(complaint.starts_with("nats://127.0.0.1:1: no NATS server could be reached"));
    assert!(complaint.contains("\n  nats-server\n"), "how to start one");
    assert!(output.stdout.is_empty());
    Ok(())
}

/// What an example printed.
struct Printed(String);

/// Runs an example to its end.
fn run(example: &str) -> Result<Printed, Failed> {
    let output = program(example)?.output()?;
    let printed = String::from_utf8(output.stdout)?;
    let complaints = String::from_utf8_lossy(&output.stderr);
    // Shown where the test fails.
    println!("{printed}{complaints}");
    assert!(output.status.success(), "{example}: {}", output.status);
    Ok(Printed(printed))
}

impl Printed {
    fn has(&self, text: &str) -> bool {
        self.0.contains(text)
    }

    fn count(&self, text: &str) -> usize {
        self.0.matches(text).count()
    }

    /// What follows a label, in each line that has it.
    fn after<'a>(&'a self, label: &'a str) -> impl Iterator<Item = &'a str> {
        let lines = self.0.lines();
        lines.filter_map(move |line| Some(line.split_once(label)?.1.trim()))
    }

    fn numbers_after(&self, label: &str) -> BTreeSet<u32> {
        self.after(label).filter_map(|text| text.parse().ok()).collect()
    }

    /// Two labels are followed by the same text of a length.
    fn same(&self, one: &str, other: &str, length: usize) {
        let (first, second) = (self.after(one).next(), self.after(other).next());
        assert_eq!(first.map(str::len), Some(length), "{one}");
        assert_eq!(first, second);
    }
}
