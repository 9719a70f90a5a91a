use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    thread,
};

use conduit_testing::signal;
use tempfile::TempDir;

use super::binary;

/// A server of its own for one test, on a free port. Dropping it kills it.
pub struct Server {
    folder: TempDir,
    port: u16,
    arguments: Vec<String>,
    running: Option<Child>,
}

impl Server {
    pub fn start() -> Self {
        Self::with(&[])
    }

    /// Starts with arguments of its command line.
    pub fn with(arguments: &[&str]) -> Self {
        let arguments = arguments.iter().map(|&argument| argument.to_owned()).collect();
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut server = Self { folder, port: 0, arguments, running: None };
        // It does not choose a free port by itself: another program may come between.
        let started = (0..100).find_map(|_| server.launch(free_port()).ok());
        started.unwrap_or_else(|| panic!("the server does not start"));
        server
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// The same with a user and a password in it.
    pub fn url_as(&self, user: &str, password: &str) -> String {
        format!("redis://{user}:{password}@127.0.0.1:{}", self.port)
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Has the server do something, as its administrator. Returns what it says, as it is written.
    pub fn command(&self, arguments: &[&str]) -> String {
        let talk = || -> io::Result<String> {
            let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
            let mut said = format!("*{}\r\n", arguments.len());
            for argument in arguments {
                said += &format!("${}\r\n{argument}\r\n", argument.len());
            }
            // The reply to the last command shows that the one to the first is whole.
            stream.write_all((said + "*1\r\n$4\r\nQUIT\r\n").as_bytes())?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer)?;
            Ok(answer)
        };
        let answer = talk().expect("the server answers");
        answer.strip_suffix("+OK\r\n").unwrap_or(&answer).to_owned()
    }

    /// Stops the server's process where it is: connections stay, and nothing is answered.
    pub fn pause(&self) {
        signal(self.running.as_ref().expect("a running server"), "STOP");
    }

    pub fn go_on(&self) {
        signal(self.running.as_ref().expect("a running server"), "CONT");
    }

    /// Kills the server, so that connections break.
    pub fn stop(&mut self) {
        if let Some(mut running) = self.running.take() {
            running.kill().expect("a server that can be killed");
            running.wait().expect("a server that ends");
        }
    }

    /// Starts it again, at the same port.
    pub fn start_again(&mut self) {
        self.stop();
        // For a moment the port can be another connection's own end; that passes.
        let started = (0..100).find_map(|_| self.launch(self.port).ok());
        started.unwrap_or_else(|| panic!("the server does not get port {} back", self.port));
    }

    fn launch(&mut self, port: u16) -> Result<(), String> {
        let mut child = Command::new(binary::server())
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", ""])
            .args(&self.arguments)
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the server can be run");
        let mut log = BufReader::new(child.stdout.take().expect("its log is piped"));
        let ready = wait_until_ready(&mut log);
        // The server must never wait for somebody to read its log.
        thread::spawn(move || io::copy(&mut log, &mut io::sink()));
        match ready {
            Ok(()) => {
                self.port = port;
                self.running = Some(child);
                Ok(())
            }
            Err(log) => {
                let _ = child.kill();
                let _ = child.wait();
                Err(log)
            }
        }
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    listener.local_addr().expect("it is bound").port()
}

/// Reads the log until the server accepts connections.
fn wait_until_ready(log: &mut impl BufRead) -> Result<(), String> {
    let mut read = String::new();
    for line in log.lines() {
        let line = line.expect("a log of UTF-8");
        if line.contains("Ready to accept connections") {
            return Ok(());
        }
        read.push_str(&line);
        read.push('\n');
    }
    Err(read)
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}
