use std::{
    fs,
    io::{self, BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::{Child, Command, Stdio},
    thread,
};

use tempfile::TempDir;

use super::binary::nats_server;
use conduit_testing::signal;

#[derive(Default)]
struct Ports {
    clients: u16,
    monitor: u16,
    /// Where other servers of its cluster connect, if it is in one.
    routes: u16,
}

/// A NATS server of its own for one test, on a free port. Dropping it kills it.
pub struct Server {
    folder: TempDir,
    ports: Ports,
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
        let mut server = Self { folder, ports: Ports::default(), running: None };
        // The server takes a free port by itself and prints it: no other program can come between.
        server.launch("-1").unwrap_or_else(|log| panic!("nats-server does not start:\n{log}"));
        server
    }

    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.ports.clients)
    }

    /// The same with a user and a password in it.
    pub fn url_as(&self, user: &str, password: &str) -> String {
        format!("nats://{user}:{password}@127.0.0.1:{}", self.ports.clients)
    }

    /// A URL of another scheme, at a name that certificates are made for.
    pub fn tls_url(&self) -> String {
        format!("tls://localhost:{}", self.ports.clients)
    }

    /// Where other servers of its cluster connect.
    pub(super) fn route(&self) -> String {
        format!("nats://127.0.0.1:{}", self.ports.routes)
    }

    /// Makes the running server read its configuration again. It does so soon.
    pub fn reload(&self, config: &str) {
        self.configure(config);
        signal(self.running.as_ref().expect("a running server"), "HUP");
    }

    /// Tells the server to shut down slowly, and to say so.
    pub fn lame_duck(&self) {
        signal(self.running.as_ref().expect("a running server"), "USR2");
    }

    /// Stops the server's process where it is: connections stay, and nothing is answered.
    pub fn pause(&self) {
        let running = self.running.as_ref().expect("a running server");
        signal(running, "STOP");
    }

    /// Kills the server, so that connections break.
    pub fn stop(&mut self) {
        if let Some(mut running) = self.running.take() {
            running.kill().expect("a server that can be killed");
            running.wait().expect("a server that ends");
        }
    }

    pub fn is_running(&self) -> bool {
        self.running.is_some()
    }

    /// Starts it again, at the same port.
    pub fn start_again(&mut self) {
        self.stop();
        let port = self.ports.clients.to_string();
        // For a moment the port can be another connection's own end; that passes.
        let started = (0..100).find_map(|_| self.launch(&port).ok());
        started.unwrap_or_else(|| panic!("nats-server does not get port {port} back"));
    }

    /// How many connections it has found too slow to take what is routed to them.
    pub fn slow_consumers(&self) -> u64 {
        self.monitored("/varz")["slow_consumers"].as_u64().expect("it counts slow consumers")
    }

    /// What its monitoring endpoint says.
    pub fn monitored(&self, path: &str) -> serde_json::Value {
        serde_json::from_str(&self.monitor(path)).expect("the monitor says JSON")
    }

    fn monitor(&self, path: &str) -> String {
        let connect = || -> io::Result<String> {
            let mut monitor = TcpStream::connect(("127.0.0.1", self.ports.monitor))?;
            monitor.write_all(format!("GET {path} HTTP/1.0\r\n\r\n").as_bytes())?;
            let mut answer = String::new();
            monitor.read_to_string(&mut answer)?;
            Ok(answer)
        };
        let answer = connect().expect("the monitor answers");
        answer.split_once("\r\n\r\n").expect("it speaks HTTP").1.to_owned()
    }

    /// Changes the configuration of the next start.
    pub fn configure(&self, config: &str) {
        fs::write(self.folder.path().join("nats.conf"), config).expect("a configuration file");
    }

    fn launch(&mut self, port: &str) -> Result<(), String> {
        let mut child = Command::new(nats_server())
            .args(["-a", "127.0.0.1", "-p", port, "-m", "-1", "-c", "nats.conf"])
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("nats-server can be run");
        let mut log = BufReader::new(child.stderr.take().expect("its log is piped"));
        let config = fs::read_to_string(self.folder.path().join("nats.conf"));
        let clustered = config.expect("a configuration file").contains("cluster {");
        let listening = wait_until_ready(&mut log, clustered);
        // The server must never wait for somebody to read its log.
        thread::spawn(move || io::copy(&mut log, &mut io::sink()));
        match listening {
            Ok(ports) => {
                self.ports = ports;
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

/// Reads the log until the server accepts connections, and returns its ports.
fn wait_until_ready(log: &mut impl BufRead, clustered: bool) -> Result<Ports, String> {
    let (mut read, mut ports) = (String::new(), Ports::default());
    let mut ready = false;
    for line in log.lines() {
        let line = line.expect("a log of UTF-8");
        let port = || line.rsplit(':').next().and_then(|port| port.parse().ok());
        if line.contains("Listening for client connections on") {
            ports.clients = port().unwrap_or_default();
        }
        if line.contains("Listening for route connections on") {
            ports.routes = port().unwrap_or_default();
        }
        if line.contains("Starting http monitor on") {
            ports.monitor = port().unwrap_or_default();
        }
        ready |= line.contains("Server is ready");
        // A server of a cluster opens that port last.
        let open = ports.clients != 0 && ports.monitor != 0 && (ports.routes != 0 || !clustered);
        if ready && open {
            return Ok(ports);
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
    type Transport = conduit_nats::Nats;

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
        !format!("{transport:?}").contains("Disconnected")
    }
}
