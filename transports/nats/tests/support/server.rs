use std::{
    fs,
    io::{self, BufRead, BufReader},
    process::{Child, Command, Stdio},
    thread,
};

use tempfile::TempDir;

use super::binary::nats_server;

/// A NATS server of its own for one test, on a free port. Dropping it kills it.
pub struct Server {
    folder: TempDir,
    port: u16,
    running: Option<Child>,
}

impl Server {
    pub fn start() -> Self {
        Self::with_config("")
    }

    /// Starts with the text of a configuration file.
    pub fn with_config(config: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::write(folder.path().join("nats.conf"), config).expect("a configuration file");
        let mut server = Self { folder, port: 0, running: None };
        // The server takes a free port by itself and prints it: no other program can come between.
        server.launch("-1").unwrap_or_else(|log| panic!("nats-server does not start:\n{log}"));
        server
    }

    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// The same with a user and a password in it.
    pub fn url_as(&self, user: &str, password: &str) -> String {
        format!("nats://{user}:{password}@127.0.0.1:{}", self.port)
    }

    /// Stops the server's process where it is: connections stay, and nothing is answered.
    pub fn pause(&self) {
        let running = self.running.as_ref().expect("a running server");
        let paused = Command::new("kill").args(["-STOP", &running.id().to_string()]).status();
        assert!(paused.is_ok_and(|status| status.success()), "the server can be paused");
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
        let port = self.port.to_string();
        // For a moment the port can be another connection's own end; that passes.
        let started = (0..100).find_map(|_| self.launch(&port).ok());
        started.unwrap_or_else(|| panic!("nats-server does not get port {port} back"));
    }

    /// Changes the configuration of the next start.
    pub fn configure(&self, config: &str) {
        fs::write(self.folder.path().join("nats.conf"), config).expect("a configuration file");
    }

    fn launch(&mut self, port: &str) -> Result<(), String> {
        let mut child = Command::new(nats_server())
            .args(["-a", "127.0.0.1", "-p", port, "-c", "nats.conf"])
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("nats-server can be run");
        let mut log = BufReader::new(child.stderr.take().expect("its log is piped"));
        let listening = wait_until_ready(&mut log);
        // The server must never wait for somebody to read its log.
        thread::spawn(move || io::copy(&mut log, &mut io::sink()));
        match listening {
            Ok(port) => {
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

/// Reads the log until the server accepts connections, and returns its port.
fn wait_until_ready(log: &mut impl BufRead) -> Result<u16, String> {
    let (mut read, mut port) = (String::new(), None);
    for line in log.lines() {
        let line = line.expect("a log of UTF-8");
        if line.contains("Listening for client connections on") {
            port = line.rsplit(':').next().and_then(|port| port.parse().ok());
        }
        if line.contains("Server is ready") {
            return port.ok_or(read);
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
