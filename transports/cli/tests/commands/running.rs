//! Runs the program.

use std::{
    io::{BufRead, BufReader, Read, Write},
    process::{Child, ChildStdout, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
};

use conduit_testing::{Broker, signal};

/// How a run has ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// A run that goes on. Dropping it kills it.
pub(crate) struct Run {
    child: Child,
    errors: Receiver<String>,
}

fn command(server: &impl Broker, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_conduit"));
    command.args(args).env("CONDUIT_URL", server.url()).env_remove("CONDUIT_NAMESPACE");
    command
}

/// Runs the program to its end.
pub(crate) fn conduit(server: &impl Broker, args: &[&str]) -> Ended {
    conduit_with(server, args, b"")
}

/// Runs the program to its end, with an input.
pub(crate) fn conduit_with(server: &impl Broker, args: &[&str], input: &[u8]) -> Ended {
    let mut child = command(server, args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program can be run");
    let mut stdin = child.stdin.take().expect("it is piped");
    let input = input.to_owned();
    let feeding = thread::spawn(move || {
        // A program that wants none may have ended.
        let _ = stdin.write_all(&input);
    });
    let output = child.wait_with_output().expect("it ends");
    feeding.join().expect("it does not panic");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("it is UTF-8");
    Ended { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

impl Run {
    /// Starts the program, and waits until it has written a line with these words to its standard
    /// error.
    pub(crate) fn start(server: &impl Broker, args: &[&str], ready: &str) -> Self {
        let run = Self::start_now(server, args);
        run.says(ready);
        run
    }

    /// Starts the program.
    pub(crate) fn start_now(server: &impl Broker, args: &[&str]) -> Self {
        Self::start_with(server, args, Stdio::null())
    }

    /// Starts the program with an input.
    pub(crate) fn start_with(server: &impl Broker, args: &[&str], input: Stdio) -> Self {
        let mut child = command(server, args)
            .stdin(input)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program can be run");
        let stderr = BufReader::new(child.stderr.take().expect("it is piped"));
        let (sender, errors) = channel();
        thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        Self { child, errors }
    }

    /// Returns what it prints.
    pub(crate) fn output(&mut self) -> ChildStdout {
        self.child.stdout.take().expect("it is piped")
    }

    /// Waits for a line on the standard error that has these words.
    pub(crate) fn says(&self, words: &str) -> String {
        let mut before = String::new();
        loop {
            let line = self.errors.recv();
            let line = line.unwrap_or_else(|_| panic!("it ends without {words:?}:\n{before}"));
            if line.contains(words) {
                return line;
            }
            before = before + &line + "\n";
        }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal by its name.
    pub(crate) fn signal(&self, name: &str) {
        signal(&self.child, name);
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().is_ok_and(|status| status.is_some())
    }

    /// Waits for its end.
    pub(crate) fn ends(mut self) -> Ended {
        let mut out = String::new();
        let mut stdout = self.output();
        stdout.read_to_string(&mut out).expect("it is UTF-8");
        let (code, err) = self.code();
        Ended { code, out, err }
    }

    /// Waits for its end, where something else reads what it prints. Returns its exit code, and what it
    /// has written to its standard error.
    pub(crate) fn code(mut self) -> (Option<i32>, String) {
        let status = self.child.wait().expect("it ends");
        (status.code(), self.errors.iter().collect::<Vec<_>>().join("\n"))
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts a stand-in for a service that answers with the body of each request.
pub(crate) fn echo(server: &impl Broker, service: &str) -> Run {
    Run::start(server, &["serve", service, "echo", "--echo"], "serving")
}
