use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
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
        let arguments =
            arguments.iter().chain(&["--save", ""]).map(|&text| text.to_owned()).collect();
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut server = Self { folder, port: 0, arguments, running: None };
        // It does not choose a free port by itself: another program may come between.
        let started = (0..100).find_map(|_| server.launch(free_port()).ok());
        started.unwrap_or_else(|| panic!("the server does not start"));
        server
    }

    /// Starts a sentinel that watches a primary, under the name `main`, and is impatient.
    pub fn sentinel(primary: &Self) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let port = primary.port;
        let config = format!(
            "sentinel monitor main 127.0.0.1 {port} 1\n\
             sentinel down-after-milliseconds main 500\n\
             sentinel failover-timeout main 3000\n"
        );
        let path = folder.path().join("sentinel.conf");
        std::fs::write(&path, config).expect("a configuration file");
        let arguments = vec![path.display().to_string(), "--sentinel".into()];
        let mut server = Self { folder, port: 0, arguments, running: None };
        let started = (0..100).find_map(|_| server.launch(free_port()).ok());
        started.unwrap_or_else(|| panic!("the sentinel does not start"));
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
            let mut stream = self.tell(arguments)?;
            // It answers, and then closes the connection.
            stream.shutdown(Shutdown::Write)?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer)?;
            Ok(answer)
        };
        talk().expect("the server answers")
    }

    /// The same of what is answered by a line, which the server may think about.
    pub fn waits_for(&self, arguments: &[&str]) -> String {
        let talk = || -> io::Result<String> {
            let mut answer = String::new();
            BufReader::new(self.tell(arguments)?).read_line(&mut answer)?;
            Ok(answer)
        };
        talk().expect("the server answers")
    }

    fn tell(&self, arguments: &[&str]) -> io::Result<TcpStream> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        let mut said = format!("*{}\r\n", arguments.len());
        for argument in arguments {
            said += &format!("${}\r\n{argument}\r\n", argument.len());
        }
        stream.write_all(said.as_bytes())?;
        Ok(stream)
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
        // A configuration file comes first.
        let (file, arguments) = match self.arguments.split_first() {
            Some((file, rest)) if file.ends_with(".conf") => (Some(file), rest),
            _ => (None, &self.arguments[..]),
        };
        let mut child = Command::new(binary::server())
            .args(file)
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1"])
            .args(arguments)
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
        // A sentinel is ready when it says who it is.
        if line.contains("Ready to accept connections") || line.contains("Sentinel ID is") {
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

impl conduit_testing::Broker for Server {
    type Transport = conduit_redis::Redis;

    const LONG: u64 = 256 << 20;

    fn start() -> Self {
        Self::start()
    }

    fn url(&self) -> String {
        self.url()
    }

    fn pause(&self) {
        self.pause();
    }

    fn stop(&mut self) {
        self.stop();
    }

    fn start_again(&mut self) {
        self.start_again();
    }

    async fn connect_to(url: String) -> conduit_testing::Outcome<Self::Transport> {
        Ok(Self::Transport::connect(url).await?)
    }

    fn is_connected(transport: &Self::Transport) -> bool {
        format!("{transport:?}").contains(" Connected")
    }
}
