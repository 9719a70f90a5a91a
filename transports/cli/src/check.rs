//! Checks whether this user of this broker can do what a service has to do.

use std::time::{Duration, Instant};

use async_nats::Client;
use conduit::{Conduit, transport::ConnectionState};
use serde::Deserialize;
use serde_json::json;

use crate::{
    args::{Broker, Show},
    broker::{Kind, Raw},
    exit::Exit,
    show, until_interrupted,
};

/// The least that a server has to take in one packet.
const LEAST_PAYLOAD: usize = 16 << 10;
/// From here on the chunks of bodies have their full length.
const GOOD_PAYLOAD: usize = 28 << 10;

/// What was looked at, and what to change.
struct Finding {
    what: &'static str,
    found: String,
    /// `None` if it is as it should be.
    change: Option<String>,
    /// Whether nothing works without the change.
    is_fatal: bool,
}

/// What the server tells a user of its own account.
#[derive(Default, Deserialize)]
struct UserInfo {
    data: User,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct User {
    user: String,
    account: String,
    permissions: Option<Permissions>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Permissions {
    publish: Rules,
    subscribe: Rules,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Rules {
    allow: Vec<String>,
    deny: Vec<String>,
}

impl Rules {
    /// Returns whether everything that a pattern matches is permitted.
    fn permit(&self, wanted: &str) -> bool {
        let allowed = self.allow.is_empty() || self.allow.iter().any(|rule| covers(rule, wanted));
        allowed && !self.deny.iter().any(|rule| covers(rule, wanted))
    }
}

/// Returns whether a pattern of NATS matches everything that another one matches.
fn covers(rule: &str, wanted: &str) -> bool {
    let (mut rule, mut wanted) = (rule.split('.'), wanted.split('.'));
    loop {
        match (rule.next(), wanted.next()) {
            (Some(">"), Some(_)) | (None, None) => return true,
            (Some("*"), Some(token)) if token != ">" => {}
            (Some(one), Some(other)) if one == other => {}
            _ => return false,
        }
    }
}

pub(crate) async fn check(broker: &Broker, show: &Show) -> Result<(), Exit> {
    let checking = async {
        let mut findings = match broker.kind()? {
            Kind::Nats => Box::pin(nats(broker)).await?,
            Kind::Redis | Kind::RabbitMq => Vec::new(),
        };
        let conduit = broker.asker(None).await?;
        findings.extend(works(&conduit, broker.kind()?).await);
        conduit.close().await;
        report(show, &findings)
    };
    until_interrupted(checking).await
}

async fn nats(broker: &Broker) -> Result<Vec<Finding>, Exit> {
    let client = broker.nats_client("check").await?;
    let mut findings = vec![server(&client), payload(&client)];
    findings.extend(permissions(broker, &client).await);
    Ok(findings)
}

fn server(client: &Client) -> Finding {
    let info = client.server_info();
    let cluster = info.cluster.map_or_else(String::new, |name| format!(", cluster {name}"));
    let found = format!("nats-server {} at {}:{}{cluster}", info.version, info.host, info.port);
    Finding { what: "server", found, change: None, is_fatal: false }
}

fn payload(client: &Client) -> Finding {
    let most = client.max_payload();
    let change = match most {
        0..LEAST_PAYLOAD => Some("set `max_payload` of the server to 16 KiB at least".to_owned()),
        LEAST_PAYLOAD..GOOD_PAYLOAD => {
            Some("with `max_payload` of 28 KiB or more, streams are faster".to_owned())
        }
        _ => None,
    };
    let found = format!("{} in a packet", show::bytes(most as u64));
    Finding { what: "payload", found, change, is_fatal: most < LEAST_PAYLOAD }
}

/// Compares the permissions of this user with those that a service needs.
async fn permissions(broker: &Broker, client: &Client) -> Vec<Finding> {
    let what = "permissions";
    let limit = Duration::from_secs(2);
    let asked = client.request("$SYS.REQ.USER.INFO", bytes::Bytes::new());
    let info = tokio::time::timeout(limit, asked).await;
    let info = info.ok().and_then(Result::ok);
    let info: Option<UserInfo> = info.and_then(|info| serde_json::from_slice(&info.payload).ok());
    let Some(UserInfo { data: user }) = info else {
        let change = "to let this be read, permit `publish: \"$SYS.REQ.USER.INFO\"` and \
                      `subscribe: \"_INBOX.>\"`; whether the rest is permitted shows when it is done";
        let (found, change) = ("the server does not tell them".into(), Some(change.into()));
        return vec![Finding { what, found, change, is_fatal: false }];
    };
    let about = format!("user {:?} of account {:?}", user.user, user.account);
    let Some(Permissions { publish, subscribe }) = user.permissions else {
        let found = format!("{about}: everything is permitted");
        let change = format!(
            "any client can forge that nobody listens, and read every inbox: permit a service \
             only `subscribe: \"{0}.<service>.>\"`, and `publish: {{ allow: \"{0}.>\", deny: \
             \"{0}.*.n.>\" }}`",
            broker.nats_root()
        );
        return vec![Finding { what, found, change: Some(change), is_fatal: false }];
    };
    let (root, own) = (broker.nats_root(), &broker.acts_as);
    let (inbox, all) = (format!("{root}.{own}.>"), format!("{root}.>"));
    let notices = format!("{root}.*.n.>");
    let directory = format!("{root}.directory");
    let mut findings = Vec::new();
    let mut add = |is_so: bool, so: String, not: String, change: String, is_fatal: bool| {
        let (found, change) = if is_so { (so, None) } else { (not, Some(change)) };
        let is_fatal = is_fatal && !is_so;
        findings.push(Finding { what, found: format!("{about}: {found}"), change, is_fatal });
    };
    add(
        subscribe.permit(&inbox),
        format!("may listen as {own}"),
        format!("may not listen as {own}"),
        format!("permit `subscribe: \"{inbox}\"`, or name a service that it may be with --as"),
        true,
    );
    add(
        publish.permit(&all),
        "may ask every service".into(),
        "may ask some services only".into(),
        format!("permit `publish: {{ allow: \"{all}\", deny: \"{notices}\" }}` to ask all"),
        false,
    );
    add(
        !publish.permit(&notices),
        "may not forge notices".into(),
        "may forge that nobody listens".into(),
        format!("deny `publish: \"{notices}\"`"),
        false,
    );
    add(
        subscribe.permit(&directory),
        "may be discoverable".into(),
        "may not be discoverable".into(),
        format!("permit `subscribe: \"{directory}\"` if it is to be seen by `conduit services`"),
        false,
    );
    findings
}

/// Starts a conduit, and asks the broker twice: the second time nothing is in the way.
async fn works(conduit: &Conduit<Raw>, kind: Kind) -> Vec<Finding> {
    const LIMIT: Duration = Duration::from_secs(5);
    let (what, version) = ("conduit", conduit::proto::frame::VERSION);
    if let Err(error) = conduit.ready(LIMIT).await {
        let change = match (conduit.connection().state, kind) {
            (ConnectionState::Blocked, _) => {
                "the broker is short of memory or of disk space, and takes nothing until it has more"
            }
            (_, Kind::Nats) => "see the permissions above",
            (_, Kind::Redis) => {
                "see the permissions in the documentation of conduit-redis (`ACL SETUSER`)"
            }
            (_, Kind::RabbitMq) => {
                "see the permissions in the documentation of conduit-rabbitmq (`rabbitmqctl \
                 set_permissions` and `set_topic_permissions`)"
            }
        };
        let found = format!("{error:#}");
        return vec![Finding { what, found, change: Some(change.into()), is_fatal: true }];
    }
    let found = format!("version {version} of the protocol, ready");
    let works = Finding { what, found, change: None, is_fatal: false };
    let start = Instant::now();
    let (what, is_fatal) = ("round trip", false);
    let trip = match conduit.ready(LIMIT).await {
        Ok(()) => {
            let micros = u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX);
            Finding { what, found: show::micros(micros), change: None, is_fatal }
        }
        Err(error) => {
            let change = Some("look at the connection".to_owned());
            Finding { what, found: format!("{error:#}"), change, is_fatal }
        }
    };
    vec![works, trip]
}

fn report(show: &Show, findings: &[Finding]) -> Result<(), Exit> {
    for Finding { what, found, change, is_fatal } in findings {
        if show.json {
            show::json(&json!({
                "what": what, "found": found, "change": change, "is_fatal": is_fatal,
            }))?;
            continue;
        }
        let mark = match (change, is_fatal) {
            (None, _) => "ok  ",
            (Some(_), false) => "note",
            (Some(_), true) => "FAIL",
        };
        show::print(&format!("{mark}  {what:12}{found}\n"))?;
        if let Some(change) = change {
            show::print(&format!("      {change}\n"))?;
        }
    }
    match findings.iter().find(|finding| finding.is_fatal) {
        None => Ok(()),
        Some(finding) => Err(Exit::local(format!("{}: {}", finding.what, finding.found))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_covers_what_it_matches() {
        for rule in [">", "conduit.>", "conduit.*.>", "conduit.a.>"] {
            assert!(covers(rule, "conduit.a.>"), "{rule}");
        }
        for rule in ["conduit.b.>", "conduit.a", "conduit.a.*", "conduit"] {
            assert!(!covers(rule, "conduit.a.>"), "{rule}");
        }
        assert!(covers("a.*", "a.b") && covers("a.*", "a.*") && !covers("a.b", "a.*"));
    }

    #[test]
    fn what_is_denied_is_not_permitted() {
        let rules = |allow: &[&str], deny: &[&str]| Rules {
            allow: allow.iter().map(ToString::to_string).collect(),
            deny: deny.iter().map(ToString::to_string).collect(),
        };
        assert!(rules(&[], &[]).permit("a.>"));
        assert!(rules(&["a.>"], &["a.b.n.>"]).permit("a.b.>"));
        assert!(!rules(&["a.>"], &["a.>"]).permit("a.b.>"));
        assert!(!rules(&["b.>"], &[]).permit("a.b.>"));
    }
}
