//! Users with the permissions that the documentation names, and less, in virtual hosts of their own.

use std::{
    fmt::Write,
    sync::atomic::{AtomicUsize, Ordering},
};

/// Each test that is about permissions has one of these for itself.
const VIRTUAL_HOSTS: usize = 40;

static TAKEN: AtomicUsize = AtomicUsize::new(0);

/// What a user may do in one exchange.
pub struct Topics {
    pub exchange: &'static str,
    pub write: String,
    pub read: String,
}

/// A user of the documentation: one service, which may send to all.
fn documented(root: &'static str, service: &str) -> (String, String, Topics) {
    (
        own(root, service),
        format!("^{root}$|{}", own(root, service)),
        Topics { exchange: root, write: r"^[^.]+\.(s|i|c)".into(), read: format!(r"^{service}\.") },
    )
}

fn own(root: &str, service: &str) -> String {
    format!(r"^{root}\.{service}\.")
}

/// The permissions of `worker`: it may send to one subject of another service.
pub fn worker(other: &str) -> (String, String, Topics) {
    let (configure, both, _) = documented("conduit", "worker");
    (
        configure,
        both,
        Topics {
            exchange: "conduit",
            write: format!(r"^(worker\.(s|i|c)|{other}\.(i|c)|{other}\.s\.\d\.\d\.news$)"),
            read: r"^worker\.(i|c|s\.[^.]*\.[^.]*\.(?!secret))".into(),
        },
    )
}

fn permissions() -> [(&'static str, (String, String, Topics)); 5] {
    let (configure, both, mut topics) = documented("conduit", "third");
    topics.write = r"^(third\.|worker\.s\.)".into();
    let third = (configure, both, topics);
    let all = |root| {
        (
            ".*".to_owned(),
            ".*".to_owned(),
            Topics { exchange: root, write: ".*".into(), read: ".*".into() },
        )
    };
    [
        ("asker", documented("conduit", "asker")),
        ("worker", worker("asker")),
        ("third", third),
        ("all", all("conduit")),
        ("staging", documented("conduit-staging", "worker")),
    ]
}

/// The definitions that a server loads when it starts.
pub(super) fn definitions() -> String {
    let quoted = |text: &str| format!("{text:?}");
    let mut users = r#"{"name":"guest","password":"guest","tags":"administrator"}"#.to_owned();
    let mut hosts = r#"{"name":"/"}"#.to_owned();
    let mut allowed = allowed("guest", "/", ".*", ".*");
    let (mut topics, mut exchanges) = (Vec::new(), Vec::new());
    for (user, _) in permissions() {
        let _ = write!(users, r#",{{"name":"{user}","password":"{user}-secret","tags":""}}"#);
    }
    for host in (0..VIRTUAL_HOSTS).map(name) {
        let _ = write!(hosts, r#",{{"name":"{host}"}}"#);
        for exchange in ["conduit", "conduit-staging"] {
            exchanges.push(format!(
                r#"{{"name":"{exchange}","vhost":"{host}","type":"topic","durable":true,"auto_delete":false,"internal":false,"arguments":{{}}}}"#
            ));
        }
        for (user, (configure, both, topic)) in permissions() {
            allowed = allowed + "," + &self::allowed(user, &host, &configure, &both);
            topics.push(format!(
                r#"{{"user":"{user}","vhost":"{host}","exchange":"{}","write":{},"read":{}}}"#,
                topic.exchange,
                quoted(&topic.write),
                quoted(&topic.read)
            ));
        }
    }
    format!(
        r#"{{"users":[{users}],"vhosts":[{hosts}],"permissions":[{allowed}],"topic_permissions":[{}],"exchanges":[{}],"parameters":[],"policies":[],"queues":[],"bindings":[]}}"#,
        topics.join(","),
        exchanges.join(",")
    )
}

fn allowed(user: &str, host: &str, configure: &str, both: &str) -> String {
    format!(
        r#"{{"user":"{user}","vhost":"{host}","configure":{configure:?},"write":{both:?},"read":{both:?}}}"#
    )
}

fn name(number: usize) -> String {
    format!("guarded-{number}")
}

/// Returns the name of a virtual host that no other test uses.
pub fn virtual_host() -> String {
    let taken = TAKEN.fetch_add(1, Ordering::Relaxed);
    assert!(taken < VIRTUAL_HOSTS, "there are more tests than virtual hosts");
    name(taken)
}
