use std::time::Duration;

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
        world.sim.sleep(Duration::from_secs(1)).await;
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

#[test]
fn how_long_a_body_waits_for_credit_is_reported() -> Result {
    World::run(|world| async move {
        let node = world.node("shop")?;
        let mut binding = node.bind("film").await?;
        let mut report = StatsReport::new();
        let mut waited = || {
            report.update(&node);
            world.recorded()["conduit.credit.wait.time"][""][0]
        };
        let sending = node.own_service().send_body("film", vec![7; 4 << 20]).expect(1);
        let reading = async {
            let message = binding.next().await.ok_or("it is bound")?;
            // More than a window of it is left, which its reader does not read for a while.
            world.sim.sleep(Duration::from_secs(3)).await;
            let while_it_waits = waited();
            message.to_bytes().await?;
            Ok::<_, Box<dyn std::error::Error>>(while_it_waits)
        };
        let (sent, while_it_waits) = futures_lite::future::zip(sending, reading).await;
        sent?;
        let all = while_it_waits? + waited();
        assert!((2_900_000.0..3_100_000.0).contains(&all), "{all} us");
        world.sim.sleep(Duration::from_secs(3)).await;
        assert!(waited().abs() < 1.0, "it has ended");
        Ok(())
    })
}
