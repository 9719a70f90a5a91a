use std::{thread, time::Duration};

use conduit_redis::{Options, Redis};
use conduit_testing::Certificates;

use super::{Server, encrypted};

/// How many primaries there are, each with a replica.
const PRIMARIES: usize = 3;

const SLOTS: usize = 1 << 14;

/// A cluster of its own for one test: three primaries, and a replica of each. Dropping it kills them.
pub struct Cluster {
    servers: Vec<Server>,
    /// The ports that clients are told.
    ports: Vec<u16>,
    certificates: Option<Certificates>,
}

impl Cluster {
    /// One in which a replica soon takes the place of a primary that is away.
    pub fn start() -> Self {
        let mut cluster = Self::of(2 * PRIMARIES, "2000");
        cluster.form();
        cluster
    }

    /// One in which a busy machine is not taken for a primary that is away.
    pub fn calm() -> Self {
        let mut cluster = Self::of(2 * PRIMARIES, "15000");
        cluster.form();
        cluster
    }

    /// One without replicas, with TLS before each server, whose certificate is that of `localhost`.
    pub fn encrypted() -> Self {
        let mut cluster = Self::of(PRIMARIES, "15000");
        let certificates = Certificates::new();
        for (server, announced) in cluster.servers.iter().zip(&mut cluster.ports) {
            *announced = encrypted(server, &certificates, false).expect("a free port");
            server.command(&["CONFIG", "SET", "cluster-announce-port", &announced.to_string()]);
            server.command(&["CONFIG", "SET", "cluster-announce-hostname", "localhost"]);
        }
        cluster.certificates = Some(certificates);
        cluster.form();
        cluster
    }

    fn of(count: usize, milliseconds: &'static str) -> Self {
        let arguments = [
            ["--cluster-enabled", "yes"],
            ["--cluster-node-timeout", milliseconds],
            ["--repl-diskless-sync-delay", "0"],
        ];
        let starting: Vec<_> = (0..count)
            .map(|_| thread::spawn(move || Server::with(arguments.as_flattened())))
            .collect();
        let servers: Vec<_> =
            starting.into_iter().map(|server| server.join().expect("a server")).collect();
        let ports = servers.iter().map(Server::port).collect();
        Self { servers, ports, certificates: None }
    }

    fn form(&mut self) {
        for (number, server) in self.servers.iter().enumerate() {
            server.command(&["CLUSTER", "SET-CONFIG-EPOCH", &(number + 1).to_string()]);
            if number < PRIMARIES {
                let (first, last) = Self::range(number);
                let slots = [first, last].map(|slot| slot.to_string());
                server.command(&["CLUSTER", "ADDSLOTSRANGE", &slots[0], &slots[1]]);
            }
            for other in &self.servers[..number] {
                server.command(&["CLUSTER", "MEET", "127.0.0.1", &other.port().to_string()]);
            }
        }
        for number in PRIMARIES..self.servers.len() {
            let primary = self.id(number - PRIMARIES);
            until(|| {
                let said = self.servers[number].command(&["CLUSTER", "REPLICATE", &primary]);
                said.starts_with("+OK")
            });
        }
        for server in &self.servers {
            until(|| {
                let info = server.command(&["CLUSTER", "INFO"]);
                let slots = server.command(&["CLUSTER", "SLOTS"]);
                let names = slots.matches("localhost").count();
                info.contains("cluster_state:ok")
                    && self.ports.iter().all(|port| slots.contains(&port.to_string()))
                    && (self.certificates.is_none() || names == PRIMARIES)
            });
        }
        for replica in &self.servers[PRIMARIES..] {
            let is_up = "master_link_status:up";
            until(|| replica.command(&["INFO", "replication"]).contains(is_up));
        }
    }

    fn range(primary: usize) -> (usize, usize) {
        (SLOTS * primary / PRIMARIES, SLOTS * (primary + 1) / PRIMARIES - 1)
    }

    /// The URL of a server: primaries first, then their replicas in the same order.
    pub fn url(&self, number: usize) -> String {
        match self.certificates {
            None => self.servers[number].url(),
            Some(_) => format!("rediss://localhost:{}", self.ports[number]),
        }
    }

    pub fn options(&self) -> Options {
        match &self.certificates {
            None => Redis::options(),
            Some(certificates) => {
                Redis::options().add_root_certificates(certificates.path("ca.pem"))
            }
        }
    }

    /// The name of a server in the cluster.
    pub fn id(&self, number: usize) -> String {
        let said = self.servers[number].command(&["CLUSTER", "MYID"]);
        said.lines().nth(1).expect("an id").to_owned()
    }

    pub fn port(&self, number: usize) -> u16 {
        self.servers[number].port()
    }

    pub fn command(&self, number: usize, arguments: &[&str]) -> String {
        self.servers[number].command(arguments)
    }

    /// Has a server do what takes it a while.
    pub fn waits_for(&self, number: usize, arguments: &[&str]) -> String {
        self.servers[number].waits_for(arguments)
    }

    /// Has all servers do something.
    pub fn command_all(&self, arguments: &[&str]) {
        for server in &self.servers {
            let said = server.command(arguments);
            assert!(said.starts_with("+OK"), "{said}");
        }
    }

    pub fn slot(&self, service: &str) -> usize {
        let said = self.servers[0].command(&["CLUSTER", "KEYSLOT", service]);
        said.trim().trim_start_matches(':').parse().expect("a slot")
    }

    /// The name of a service whose slot is at a primary, made of another name.
    pub fn service_at(&self, primary: usize, name: &str) -> String {
        let (first, last) = Self::range(primary);
        let names = (0..).map(|number| format!("{name}-{number}"));
        let mut there = names.filter(|name| (first..=last).contains(&self.slot(name)));
        there.next().expect("there are many")
    }

    /// Kills a server.
    pub fn kill(&mut self, number: usize) {
        self.servers[number].stop();
    }

    pub fn start_again(&mut self, number: usize) {
        self.servers[number].start_again();
    }

    pub fn is_primary(&self, number: usize) -> bool {
        self.command(number, &["ROLE"]).contains("master")
    }
}

/// Servers tell nobody when they have agreed.
fn until(holds: impl Fn() -> bool) {
    while !holds() {
        thread::sleep(Duration::from_millis(20));
    }
}
