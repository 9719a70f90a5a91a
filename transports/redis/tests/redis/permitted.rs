//! Conduits under exactly the permissions that the documentation names, and under less.

use conduit::transport::Namespace;
use conduit_redis::{Redis, RedisEvent};
use conduit_testing::Guarded;
use futures_lite::{Stream, StreamExt};

use crate::support::{Outcome, Server};

conduit_testing::permitted_suite!(crate::support::Server);

/// What every user needs, and what it needs for its own service.
const COMMON: &str = "resetkeys resetchannels -@all +hello +auth +ping +script|load +evalsha +time \
    +ssubscribe +sunsubscribe +spublish +zrange +zscore +zincrby +zrem +zadd +zremrangebyscore +expire";

/// What a user needs to send.
const SENDS: &str = "+spublish +evalsha +time +zrange +zscore +zincrby +zrem";

/// The rules of a user of the documentation: one service, which may send to all.
fn documented(root: &str, service: &str) -> String {
    format!(
        "{COMMON} ~{root}.{{{service}}}.* &{root}.{{{service}}}.* \
         ({SENDS} ~{root}.{{*}}.t.* %R~{root}.{{*}}.m.* &{root}.{{*}}.s.* &{root}.{{*}}.i.* &{root}.{{*}}.c)"
    )
}

/// The rules of `worker`: it may send to one subject of `asker`, but not to `third`.
fn worker_sends_to(other: &str) -> String {
    format!(
        "{COMMON} ~conduit.{{worker}}.?.[^s]* &conduit.{{worker}}.i.* &conduit.{{worker}}.c \
         &conduit.{{worker}}.s.?.[^s]* \
         ({SENDS} ~conduit.{{{other}}}.t.news %R~conduit.{{{other}}}.m.news \
         &conduit.{{{other}}}.s.p.news &conduit.{{{other}}}.s.g.news.* &conduit.{{{other}}}.i.* \
         &conduit.{{{other}}}.c)"
    )
}

fn permit(server: &Server, user: &str, password: &str, rules: &str) {
    let (own, others) = rules.split_once('(').unwrap_or((rules, ""));
    let (password, selector) = (format!(">{password}"), format!("({others}"));
    let mut arguments = vec!["ACL", "SETUSER", user, "reset", "on", &password];
    arguments.extend(own.split_whitespace());
    if !others.is_empty() {
        arguments.push(&selector);
    }
    assert_eq!(server.command(&arguments), "+OK\r\n", "{arguments:?}");
}

impl Guarded for Server {
    fn start_guarded() -> Self {
        let server = Self::start();
        permit(&server, "asker", "one", &documented("conduit", "asker"));
        permit(&server, "worker", "two", &worker_sends_to("asker"));
        let third = format!(
            "{COMMON} ~conduit.{{third}}.* &conduit.{{third}}.* \
         ({SENDS} ~conduit.{{worker}}.t.* %R~conduit.{{worker}}.m.* &conduit.{{worker}}.s.*)"
        );
        permit(&server, "third", "three", &third);
        permit(&server, "all", "four", "allkeys allchannels +@all");
        permit(&server, "staging", "five", &documented("conduit-staging", "worker"));
        server
    }

    async fn connect_as(&self, user: &str) -> Outcome<Redis> {
        let passwords = [
            ("asker", "one"),
            ("worker", "two"),
            ("third", "three"),
            ("all", "four"),
            ("staging", "five"),
        ];
        let (_, password) = passwords.iter().find(|(name, _)| *name == user).expect("a user");
        Ok(Redis::connect(self.url_as(user, password)).await?)
    }

    fn permit_worker(&self, other: &str) {
        permit(self, "worker", "two", &worker_sends_to(other));
    }

    fn in_namespace(redis: &Redis, namespace: Namespace) -> Redis {
        redis.in_namespace(namespace)
    }

    fn denials(redis: &Redis) -> impl Stream<Item = bool> + Send + Unpin + use<> {
        redis.events().map(|event| matches!(event, RedisEvent::Denied(_)))
    }
}
