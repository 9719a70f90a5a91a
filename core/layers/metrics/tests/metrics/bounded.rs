use std::collections::BTreeSet;

use conduit::Contract;
use conduit_metrics::{Metrics, Names};

use crate::{Result, World};

const CREATED: Contract<String> = Contract::event("created");

#[test]
fn after_10_000_subjects_the_labels_are_bounded() -> Result {
    World::run(|world| async move {
        let node = world.node("client")?;
        for number in 0..10_000 {
            node.service("nobody").send(&*format!("user.{number}"), "x").await?;
        }
        // A contract has a name even then, and with no list of it.
        node.service("nobody").send(&CREATED, &String::new()).await?;
        let all = world.recorded();
        for metric in ["messaging.client.sent.messages", "messaging.client.operation.duration"] {
            assert_eq!(all[metric].len(), 102, "{metric}");
            assert!(all[metric].keys().any(|labels| labels.ends_with("=nobody/created")));
        }
        let other = "messaging.system=conduit messaging.operation.name=send \
                     messaging.destination.name=_OTHER";
        assert_eq!(all["messaging.client.sent.messages"][other], [9_900.0]);
        Ok(())
    })
}

#[test]
fn a_list_has_names_and_nothing_else_has() -> Result {
    World::run(|world| async move {
        let metrics = Metrics::new().subjects(["order"]);
        let node = world.builder("client").layer(metrics).build()?;
        for subject in ["order", "price", "order"] {
            node.service("shop").send(subject, "x").await?;
        }
        let all = world.recorded();
        let sent = all["messaging.client.sent.messages"].keys();
        let names: BTreeSet<_> = sent.filter_map(|key| key.split('=').next_back()).collect();
        assert_eq!(names, BTreeSet::from([Names::OTHER, "shop/order"]));
        Ok(())
    })
}
