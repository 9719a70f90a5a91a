//! Other processes of a test.

use std::{
    env,
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    thread,
};

use crate::{Outcome, Trial, trial};

const SERVER: &str = "CONDUIT_TEST_SERVER";

/// One of the ignored tests of this program, run in a process of its own. Dropping it kills it.
#[derive(Debug)]
pub struct Process {
    child: Child,
    lines: async_channel::Receiver<String>,
}

impl Process {
    /// Starts a test of this program by its path. The test finds the server by [`server_url`].
    ///
    /// # Panics
    /// Where this program cannot be run.
    #[must_use]
    pub fn start(test: &str, server_url: &str) -> Self {
        let program = env::current_exe().expect("this program has a path");
        let mut child = Command::new(program)
            .args(["--exact", test, "--ignored", "--nocapture"])
            .env(SERVER, server_url)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("this program can be run");
        let log = BufReader::new(child.stderr.take().expect("it is piped"));
        let (sender, lines) = async_channel::unbounded();
        thread::spawn(move || {
            for line in log.lines().map_while(Result::ok) {
                sender.try_send(line).ok();
            }
        });
        Self { child, lines }
    }

    /// Waits until it has written a line that begins with a word, and returns the rest.
    pub async fn says(&self, word: &str) -> String {
        let mut others = String::new();
        while let Ok(line) = self.lines.recv().await {
            match line.strip_prefix(word) {
                Some(rest) => return rest.trim().to_owned(),
                None => others = others + &line + "\n",
            }
        }
        panic!("the other process does not say {word:?}, but:\n{others}")
    }

    /// Stops it where it is.
    pub fn pause(&self) {
        signal(&self.child, "STOP");
    }

    /// Lets it go on.
    pub fn go_on(&self) {
        signal(&self.child, "CONT");
    }

    /// Sends it a signal by its name.
    pub fn signal(&self, name: &str) {
        signal(&self.child, name);
    }

    /// Kills it, and waits for its end.
    ///
    /// # Panics
    /// Where that cannot be done.
    pub fn kill(&mut self) {
        self.child.kill().expect("it can be killed");
        self.child.wait().expect("it ends");
    }

    /// Waits for its end. Its test has to pass.
    pub async fn passes(mut self) {
        let mut log = String::new();
        while let Ok(line) = self.lines.recv().await {
            log = log + &line + "\n";
        }
        let status = self.child.wait().expect("it ends");
        assert!(status.success(), "the other process fails:\n{log}");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The server that the other process uses.
#[must_use]
pub fn server_url() -> String {
    env::var(SERVER).expect("this test is run by others, in a process of its own")
}

/// Returns a test that others start as a [`Process`]; `None` in a program that none has started, which
/// would find no server.
pub fn process_trial(name: &str, test: impl FnOnce() -> Outcome + Send + 'static) -> Option<Trial> {
    env::var_os(SERVER).map(|_| trial(name, test).with_ignored_flag(true))
}

/// Sends a signal, by its name, to a process.
///
/// # Panics
/// Where it cannot be sent.
pub fn signal(process: &Child, signal: &str) {
    let id = process.id().to_string();
    let sent = Command::new("kill").args([&format!("-{signal}"), &id]).status();
    assert!(sent.is_ok_and(|status| status.success()), "{signal} can be sent to a process");
}

/// Makes tests of those of a [suite](crate::suites) that run some of them in processes of their own.
#[macro_export]
macro_rules! with_processes {
    (
        $suite:ident for $broker:ty, into $trials:ident:
        processes $($process:ident),+;
        tests $($test:ident),+ $(,)?
    ) => {
        $($trials.extend($crate::process_trial(
            concat!(stringify!($suite), "::", stringify!($process)),
            $crate::suites::$suite::$process::<$broker>,
        ));)+
        $($trials.push($crate::trial(
            concat!(stringify!($suite), "::", stringify!($test)),
            $crate::suites::$suite::$test::<$broker>,
        ));)+
    };
    (
        $suite:ident for $broker:ty:
        processes $($process:ident),+;
        tests $($test:ident),+ $(,)?
    ) => {
        $(#[test]
        #[ignore = "run by the others, in a process of its own"]
        fn $process() -> $crate::Outcome {
            $crate::suites::$suite::$process::<$broker>()
        })+

        $(#[test]
        fn $test() -> $crate::Outcome {
            $crate::suites::$suite::$test::<$broker>()
        })+
    };
}
