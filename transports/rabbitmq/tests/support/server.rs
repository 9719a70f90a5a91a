use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use conduit::transport::{Address, Namespace, Transport};
use conduit_rabbitmq::{RabbitEvent, RabbitMq};
use conduit_testing::{Broker, Guarded, Outcome};
use futures_lite::{Stream, StreamExt};

use super::{
    gate::Gate,
    node::{self, Node},
    users,
};

/// What a test sees of the server that it shares with others: a namespace of its own, and a way there
/// that it can close.
pub struct Server {
    node: Arc<Node>,
    gate: Gate,
    namespace: String,
    /// Where it is about permissions, it has no namespace but a virtual host.
    virtual_host: Option<String>,
}

impl Server {
    pub fn node(&self) -> &Node {
        &self.node
    }

    pub fn namespace(&self) -> &str {
        &self.namespace
    }
}

/// A namespace that no other test uses.
pub fn fresh_namespace() -> String {
    static MADE: AtomicU64 = AtomicU64::new(0);
    let (process, number) = (std::process::id(), MADE.fetch_add(1, Ordering::Relaxed));
    format!("test-{process}-{number}")
}

impl Broker for Server {
    type Transport = RabbitMq;

    const LONG: u64 = 256 << 20;
    const ONE_CONNECTION: bool = false;
    const MANY: usize = 500;

    fn start() -> Self {
        let node = node::shared();
        let gate = Gate::open(node.port());
        Self { node, gate, namespace: fresh_namespace(), virtual_host: None }
    }

    fn url(&self) -> String {
        let host = self.virtual_host.as_deref().unwrap_or_default();
        // The part behind the # is the test's own.
        format!("amqp://127.0.0.1:{}/{host}#{}", self.gate.port(), self.namespace)
    }

    fn pause(&self) {
        self.gate.pause();
    }

    fn stop(&mut self) {
        self.gate.close();
    }

    fn start_again(&mut self) {
        self.gate.open_again();
    }

    async fn connect_to(url: String) -> Outcome<RabbitMq> {
        let rabbitmq = RabbitMq::connect(&url).await?;
        let Some((_, namespace)) = url.split_once('#') else { return Ok(rabbitmq) };
        let rabbitmq = rabbitmq.in_namespace(namespace.parse()?);
        // Making an exchange takes longer than some tests wait for a connection.
        rabbitmq.ready(&Address::Directory).await?;
        Ok(rabbitmq)
    }

    fn is_connected(transport: &RabbitMq) -> bool {
        format!("{transport:?}").contains(" Connected")
    }
}

impl Guarded for Server {
    fn start_guarded() -> Self {
        Self { virtual_host: Some(users::virtual_host()), ..Self::start() }
    }

    async fn connect_as(&self, user: &str) -> Outcome<RabbitMq> {
        let host = self.virtual_host.as_ref().ok_or("it is not about permissions")?;
        let port = self.gate.port();
        let url = format!("amqp://{user}:{user}-secret@127.0.0.1:{port}/{host}");
        Ok(RabbitMq::connect(url).await?)
    }

    /// What a connection was permitted once, it may go on with: it is ended too.
    fn permit_worker(&self, other: &str) {
        let host = self.virtual_host.as_ref().expect("it is about permissions");
        let (.., topics) = users::worker(other);
        let text = |text: &str| format!("<<{text:?}>>");
        let (host, worker) = (text(host), text("worker"));
        self.node.evaluate(&format!(
            "rabbit_auth_backend_internal:set_topic_permissions({worker}, {host}, {}, {}, {}, {worker}), \
             [rabbit_networking:close_connection(Pid, \"permissions\") || \
              [{{pid, Pid}}, {{user, {worker}}}, {{vhost, {host1}}}] <- \
              rabbit_networking:connection_info_all([pid, user, vhost]), {host1} =:= {host}].",
            text(topics.exchange),
            text(&topics.write),
            text(&topics.read),
            host1 = "Host",
        ));
    }

    fn in_namespace(transport: &RabbitMq, namespace: Namespace) -> RabbitMq {
        transport.in_namespace(namespace)
    }

    fn denials(transport: &RabbitMq) -> impl Stream<Item = bool> + Send + Unpin + use<> {
        transport.events().map(|event| matches!(event, RabbitEvent::Denied(_)))
    }
}
