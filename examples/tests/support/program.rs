//! The examples as programs.

use std::{
    env,
    error::Error,
    io::{BufRead, BufReader},
    process::{Child, Command, ExitStatus, Stdio},
    thread,
};

/// An example, as `cargo test` has built it beside this test.
pub fn program(example: &str) -> Result<Command, Box<dyn Error + Send + Sync>> {
    let test = env::current_exe()?;
    let folder = test.ancestors().nth(2).ok_or("no folder of examples")?;
    let file = format!("{example}{}", env::consts::EXE_SUFFIX);
    let program = folder.join("examples").join(file);
    if !program.exists() {
        let program = program.display();
        return Err(
            format!("{program} is not there: `cargo test` without `--test` builds it").into()
        );
    }
    Ok(Command::new(program))
}

/// An example that runs. Dropping it kills it.
pub struct Program {
    child: Child,
    lines: async_channel::Receiver<String>,
    printed: String,
}

impl Program {
    pub fn start(mut command: Command) -> Result<Self, Box<dyn Error + Send + Sync>> {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let output = BufReader::new(child.stdout.take().ok_or("it is piped")?);
        let (sender, lines) = async_channel::unbounded();
        thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                sender.try_send(line).ok();
            }
        });
        Ok(Self { child, lines, printed: String::new() })
    }

    /// Waits until it has printed a line that begins with a text, and returns the rest.
    pub async fn says(&mut self, begin: &str) -> Result<String, Box<dyn Error + Send + Sync>> {
        while let Ok(line) = self.lines.recv().await {
            self.printed += &format!("{line}\n");
            if let Some(rest) = line.strip_prefix(begin) {
                return Ok(rest.trim().to_owned());
            }
        }
        Err(format!("it does not say {begin:?}, but:\n{}", self.printed).into())
    }

    /// Sends it a signal by its name.
    pub fn signal(&self, name: &str) {
        signal(&self.child, name);
    }

    /// Waits for its end, and returns all that it has printed.
    pub async fn ends(mut self) -> Result<(ExitStatus, String), Box<dyn Error + Send + Sync>> {
        while let Ok(line) = self.lines.recv().await {
            self.printed += &format!("{line}\n");
        }
        Ok((self.child.wait()?, std::mem::take(&mut self.printed)))
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn signal(process: &Child, signal: &str) {
    let id = process.id().to_string();
    let sent = Command::new("kill").args([&format!("-{signal}"), &id]).status();
    assert!(sent.is_ok_and(|status| status.success()), "{signal} can be sent to a process");
}
