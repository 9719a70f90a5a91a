use std::{thread, time::Duration};

use super::Server;

/// Three servers that know each other.
pub struct Cluster(pub Vec<Server>);

impl Cluster {
    pub fn start() -> Self {
        let mut servers: Vec<Server> = Vec::new();
        for number in 0..3 {
            let routes: Vec<_> = servers.iter().map(Server::route).collect();
            let routes = routes.join(", ");
            servers.push(Server::with_config(&format!(
                "server_name: s{number}\n\
                 cluster {{ name: test, listen: '127.0.0.1:-1', pool_size: -1, routes: [{routes}] }}"
            )));
        }
        let cluster = Self(servers);
        cluster.wait_until_whole();
        cluster
    }

    /// Waits until every server has a route to both others.
    fn wait_until_whole(&self) {
        let whole = |server: &Server| server.monitored("/routez")["num_routes"] == 2;
        for _ in 0..3_000 {
            if self.0.iter().all(whole) {
                return;
            }
            thread::sleep(Duration::from_millis(10));
        }
        panic!("the servers do not find each other");
    }

    pub fn urls(&self) -> Vec<String> {
        self.0.iter().map(Server::url).collect()
    }

    /// Which server has a client of a name.
    pub fn server_of(&self, name: &str) -> Option<usize> {
        self.0.iter().position(|server| {
            server.is_running() && {
                let connections = &server.monitored("/connz")["connections"];
                let mut all = connections.as_array().into_iter().flatten();
                all.any(|connection| connection["name"] == name)
            }
        })
    }
}
