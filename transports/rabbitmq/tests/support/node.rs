use std::{
    fs,
    io::{self, BufRead, BufReader},
    net::TcpListener,
    os::unix::process::CommandExt,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, OnceLock, PoisonError, mpsc},
    thread,
    time::Duration,
};

use conduit_testing::Certificates;
use tempfile::TempDir;

use super::{binary, users};

/// After this a server that is being started hangs.
const STARTS: Duration = Duration::from_secs(60);

/// A server, with folders, ports and an Erlang cookie of its own. Dropping it kills it.
pub struct Node {
    folder: TempDir,
    pub certificates: Certificates,
    ports: Ports,
    extra: String,
    epmd: Option<Child>,
    running: Option<Child>,
    /// Ends both when this program ends, however it does.
    watchdog: Option<Child>,
}

#[derive(Clone, Copy)]
struct Ports {
    amqp: u16,
    tls: u16,
    distribution: u16,
    epmd: u16,
}

/// The server that all tests of this program share which do not harm it.
static SHARED: OnceLock<Mutex<Option<Arc<Node>>>> = OnceLock::new();

pub fn shared() -> Arc<Node> {
    let shared = SHARED.get_or_init(Mutex::default);
    let mut shared = shared.lock().unwrap_or_else(PoisonError::into_inner);
    Arc::clone(shared.get_or_insert_with(|| Arc::new(Node::start(""))))
}

/// Ends the server that tests share, if there is one.
pub(super) fn end_shared() {
    let shared = SHARED.get_or_init(Mutex::default);
    drop(shared.lock().unwrap_or_else(PoisonError::into_inner).take());
}

impl Node {
    /// Starts a server, with more lines of its configuration.
    pub fn start(extra: &str) -> Self {
        // In memory where that can be: queues of groups are durable, and a disk would be the slowest part.
        let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
        let folder = folder.expect("a temporary folder");
        let mut node = Self {
            folder,
            certificates: Certificates::new(),
            ports: Ports { amqp: 0, tls: 0, distribution: 0, epmd: 0 },
            extra: extra.to_owned(),
            epmd: None,
            running: None,
            watchdog: None,
        };
        // It does not choose free ports by itself: another program may come between.
        let started = (0..5).find_map(|_| {
            let [amqp, tls, distribution, epmd] = free_ports();
            node.ports = Ports { amqp, tls, distribution, epmd };
            let launched = node.launch();
            if launched.is_err()
                && let Some(mut epmd) = node.epmd.take()
            {
                let _ = (epmd.kill(), epmd.wait());
            }
            launched.map_err(|log| eprintln!("{log}")).ok()
        });
        started.expect("the server starts");
        node
    }

    pub fn port(&self) -> u16 {
        self.ports.amqp
    }

    pub fn tls_port(&self) -> u16 {
        self.ports.tls
    }

    /// Kills it, and all that it has started.
    pub fn kill(&mut self) {
        if let Some(running) = self.running.take() {
            end(running);
        }
    }

    /// Starts it again, with the same data and ports.
    pub fn start_again(&mut self) {
        self.kill();
        self.launch().expect("the server starts again");
    }

    /// Has the server evaluate a line of Erlang, as its administrator.
    pub fn evaluate(&self, erlang: &str) {
        let program = binary::server().expect("a server").with_file_name("rabbitmqctl");
        let done = self.command(program).args(["eval", erlang]).output().expect("it can be run");
        let said = String::from_utf8_lossy(&done.stdout) + String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success() && !said.contains("rror"), "{said}");
    }

    fn name(&self) -> String {
        format!("conduit-{}@localhost", self.ports.amqp)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, program: PathBuf) -> Command {
        let mut command = Command::new(program);
        command
            .env("HOME", self.folder.path())
            .env("RABBITMQ_NODENAME", self.name())
            .env("ERL_EPMD_PORT", self.ports.epmd.to_string())
            .env("ERL_EPMD_ADDRESS", "127.0.0.1")
            .current_dir(self.folder.path())
            .stdin(Stdio::null());
        command
    }

    fn launch(&mut self) -> Result<(), String> {
        fs::write(self.path("rabbitmq.conf"), self.config()).expect("a file");
        fs::write(self.path("definitions.json"), users::definitions()).expect("a file");
        fs::write(self.path("plugins"), "[].").expect("a file");
        if self.epmd.is_none() {
            let port = self.ports.epmd.to_string();
            // Else the server starts one, which stays.
            let epmd = Command::new("epmd").args(["-port", &port, "-address", "127.0.0.1"]).spawn();
            self.epmd = Some(epmd.map_err(|error| format!("epmd: {error}"))?);
        }
        let mut child = self
            .command(binary::server().expect("a server"))
            .env("RABBITMQ_NODE_IP_ADDRESS", "127.0.0.1")
            .env("RABBITMQ_NODE_PORT", self.ports.amqp.to_string())
            .env("RABBITMQ_DIST_PORT", self.ports.distribution.to_string())
            .env("RABBITMQ_CONFIG_FILE", self.path("rabbitmq"))
            .env("RABBITMQ_ENABLED_PLUGINS_FILE", self.path("plugins"))
            .env("RABBITMQ_MNESIA_BASE", self.path("data"))
            .env("RABBITMQ_LOG_BASE", self.path("log"))
            .env("RABBITMQ_LOGS", "-")
            .env(
                "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS",
                "+S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none",
            )
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .map_err(|error| error.to_string())?;
        let mut log = BufReader::new(child.stdout.take().expect("its log is piped"));
        let group = child.id();
        let (started, starts) = mpsc::channel::<()>();
        // Another program may have one of the ports by now, and never answer.
        thread::spawn(move || {
            if starts.recv_timeout(STARTS) == Err(mpsc::RecvTimeoutError::Timeout) {
                end_group(group);
            }
        });
        let ready = wait_until_ready(&mut log);
        drop(started);
        // The server must never wait for somebody to read its log.
        thread::spawn(move || io::copy(&mut log, &mut io::sink()));
        match ready {
            Ok(()) => {
                self.watch(&child);
                self.running = Some(child);
            }
            Err(_) => end(child),
        }
        ready
    }

    /// Starts what kills the server when the other end of its input is gone.
    fn watch(&mut self, server: &Child) {
        self.unwatch();
        let epmd = self.epmd.as_ref().map(Child::id).unwrap_or_default();
        let kill = format!("read -r _; kill -KILL -- -{} {epmd}", server.id());
        let mut shell = Command::new("sh");
        shell.args(["-c", &kill]).stdin(Stdio::piped());
        shell.stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
        self.watchdog = Some(shell.spawn().expect("a shell"));
    }

    fn unwatch(&mut self) {
        if let Some(mut watchdog) = self.watchdog.take() {
            let _ = watchdog.kill();
            let _ = watchdog.wait();
        }
    }

    fn config(&self) -> String {
        let path = |name| self.certificates.path(name).display().to_string();
        format!(
            "loopback_users = none\n\
             log.console.level = warning\n\
             vm_memory_high_watermark.absolute = 2GB\n\
             disk_free_limit.absolute = 1MB\n\
             load_definitions = {}\n\
             listeners.ssl.default = 127.0.0.1:{}\n\
             ssl_options.cacertfile = {}\n\
             ssl_options.certfile = {}\n\
             ssl_options.keyfile = {}\n\
             ssl_options.verify = verify_peer\n\
             ssl_options.fail_if_no_peer_cert = false\n\
             {}\n",
            self.path("definitions.json").display(),
            self.ports.tls,
            path("ca.pem"),
            path("server.pem"),
            path("server.key"),
            self.extra,
        )
    }
}

/// Kills a process with all that it has started.
fn end(mut leader: Child) {
    end_group(leader.id());
    let _ = leader.wait();
}

fn end_group(leader: u32) {
    let _ = Command::new("kill").args(["-KILL", "--", &format!("-{leader}")]).status();
}

fn free_ports() -> [u16; 4] {
    let listeners = [(); 4].map(|()| TcpListener::bind(("127.0.0.1", 0)).expect("a free port"));
    listeners.map(|listener| listener.local_addr().expect("it is bound").port())
}

/// Reads the log until the server accepts connections.
fn wait_until_ready(log: &mut impl BufRead) -> Result<(), String> {
    let mut read = String::new();
    for line in log.lines() {
        let line = line.map_err(|error| error.to_string())?;
        if line.contains("completed with") {
            return Ok(());
        }
        read.push_str(&line);
        read.push('\n');
    }
    Err(read)
}

impl Drop for Node {
    fn drop(&mut self) {
        self.unwatch();
        self.kill();
        if let Some(mut epmd) = self.epmd.take() {
            let _ = epmd.kill();
            let _ = epmd.wait();
        }
    }
}
