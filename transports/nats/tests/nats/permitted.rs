//! Conduits under exactly the permissions that the documentation names, and under less.

use std::time::Duration;

use conduit::{ErrorKind, Runtime, transport::Namespace};
use conduit_nats::{Nats, NatsEvent};
use conduit_testing::Guarded;
use futures_lite::{Stream, StreamExt};

use crate::support::{Outcome, Server, builder, with_every_runtime};

mod common {
    conduit_testing::permitted_suite!(crate::support::Server);
}

with_every_runtime!(
    the_directory_needs_a_permission_of_its_own,
    a_client_that_was_handed_in_knows_nothing,
);

const PERMISSIONS: &str = r#"
authorization {
  users: [
    { user: asker, password: one, permissions {
        publish: { allow: "conduit.>", deny: "conduit.*.n.>" }
        subscribe: "conduit.asker.>"
    } }
    { user: worker, password: two, permissions {
        publish: { allow: ["conduit.worker.>", "conduit.asker.>"], deny: ["conduit.*.s.*.*.hidden", "conduit.*.n.>"] }
        subscribe: { allow: "conduit.worker.>", deny: "conduit.worker.s.*.*.secret" }
    } }
    { user: third, password: three, permissions {
        publish: ["conduit.third.>", "conduit.worker.s.>"]
        subscribe: "conduit.third.>"
    } }
    { user: staging, password: five, permissions {
        publish: { allow: "conduit-staging.>", deny: "conduit-staging.*.n.>" }
        subscribe: "conduit-staging.worker.>"
    } }
    { user: all, password: four }
    { user: shown, password: six, permissions {
        publish: { allow: "conduit.>", deny: "conduit.*.n.>" }
        subscribe: ["conduit.shown.>", "conduit.directory"]
    } }
    { user: curious, password: seven, permissions {
        publish: { allow: "conduit.>", deny: ["conduit.*.n.>", "conduit.directory"] }
        subscribe: "conduit.curious.>"
    } }
  ]
}
"#;

impl Guarded for Server {
    fn start_guarded() -> Self {
        Self::with_config(PERMISSIONS)
    }

    async fn connect_as(&self, user: &str) -> Outcome<Nats> {
        let passwords = [
            ("asker", "one"),
            ("worker", "two"),
            ("third", "three"),
            ("all", "four"),
            ("staging", "five"),
            ("shown", "six"),
            ("curious", "seven"),
        ];
        let (_, password) = passwords.iter().find(|(name, _)| *name == user).expect("a user");
        Ok(Nats::connect(self.url_as(user, password)).await?)
    }

    fn permit_worker(&self, other: &str) {
        let may_send_to = format!("\"conduit.{other}.>\"]");
        self.reload(&PERMISSIONS.replace("\"conduit.asker.>\"]", &may_send_to));
    }

    fn in_namespace(nats: &Nats, namespace: Namespace) -> Nats {
        nats.in_namespace(namespace)
    }

    fn denials(nats: &Nats) -> impl Stream<Item = bool> + Send + Unpin + use<> {
        nats.events().map(|event| matches!(event, NatsEvent::Denied(_)))
    }
}

async fn the_directory_needs_a_permission_of_its_own(runtime: impl Runtime + Clone) -> Outcome {
    const LIMIT: Duration = Duration::from_secs(10);
    let server = Server::start_guarded();
    let mut conduits = Vec::new();
    for service in ["shown", "worker", "asker"] {
        let nats = server.connect_as(service).await?;
        let builder = builder(service, runtime.clone(), nats).version("1.2.3");
        let conduit = builder.discoverable(true).build()?;
        conduit.ready(LIMIT).await?;
        conduits.push(conduit);
    }
    let [shown, _, asker] = &conduits[..] else { unreachable!() };
    // Those that may not listen there do without, and answer at their service.
    let told = loop {
        // The directory is subscribed in the background.
        let told = asker.services().wait(Duration::from_millis(500)).await?;
        if !told.is_empty() {
            break told;
        }
    };
    let told: Vec<_> = told.iter().map(|info| info.instance).collect();
    assert_eq!(told, [shown.instance()]);
    for service in ["shown", "worker", "asker"] {
        let told = asker.instances(service).wait(Duration::from_millis(900)).await?;
        let told: Vec<_> = told.iter().map(|info| (&*info.transport, &info.version)).collect();
        assert_eq!(told, [("Nats", &Some("1.2.3".to_owned()))], "{service}");
    }
    let told = asker.instances("no-such").wait(Duration::from_secs(3600)).await?;
    assert!(told.is_empty(), "the server knows that there is none");

    let curious = builder("curious", runtime, server.connect_as("curious").await?).build()?;
    let error = curious.services().await.expect_err("it may not ask");
    assert_eq!(error.kind(), ErrorKind::Denied);
    assert_eq!(curious.instances("shown").wait(Duration::from_millis(900)).await?.len(), 1);
    Ok(())
}

async fn a_client_that_was_handed_in_knows_nothing(runtime: impl Runtime) -> Outcome {
    let server = Server::start_guarded();
    let options = Nats::options().user_and_password("worker".into(), "two".into());
    let client = async_compat::Compat::new(options.connect(server.url())).await?;
    let nats = Nats::from(client);
    assert_eq!(nats.events().next().await, None);
    let worker = builder("worker", runtime, nats).build()?;
    worker.service("third").send("news", "?").await?;
    Ok(())
}
