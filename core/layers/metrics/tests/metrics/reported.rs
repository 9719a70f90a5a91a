use conduit_metrics::StatsReport;

use crate::{Result, World};

#[test]
fn what_was_lost_and_what_is_held_is_reported() -> Result {
    World::run(|world| async move {
        let nodes = [world.node("shop")?, world.node("shop")?];
        let mut bindings = Vec::new();
        for node in &nodes {
            bindings.push(node.bind("note").await?);
        }
        let mut reports = [StatsReport::new(), StatsReport::new()];
        let mut update = |world: &World| {
            for (report, node) in reports.iter_mut().zip(&nodes) {
                report.update(node);
            }
            let all = world.recorded();
            let one = |name: &str| all[name][""][0];
            (one("conduit.messages.lost"), one("conduit.bytes.waiting"))
        };
        assert_eq!(update(&world), (0.0, 0.0));
        // More than a binding holds.
        for number in 0..5_000 {
            nodes[0].own_service().send("note", &number).await?;
        }
        nodes[0].flush().await?;
        world.sim.sleep(std::time::Duration::from_secs(1)).await;
        let stats = nodes.each_ref().map(conduit::Conduit::stats);
        let lost: u64 = stats.iter().map(|stats| stats.lost_messages).sum();
        let waiting: u64 = stats.iter().map(|stats| stats.waiting_bytes).sum();
        assert!(lost > 0 && waiting > 0, "{stats:?}");
        #[expect(clippy::cast_precision_loss, reason = "the numbers are small")]
        let expected = (lost as f64, waiting as f64);
        assert_eq!(update(&world), expected, "the conduits add up");
        drop(bindings);
        assert_eq!(update(&world), (0.0, -expected.1), "nothing more was lost, and nothing waits");
        Ok(())
    })
}
