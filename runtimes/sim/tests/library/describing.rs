//! A thousand instances describe themselves, and forged questions harm nobody.

use std::{collections::BTreeSet, error::Error, time::Duration};

use conduit::{
    Conduit, InstanceId, MessageId, Runtime as _, Source,
    proto::frame::{Frame, MAX_DESCRIPTION},
    transport::{Address, Packet, Transport as _},
};
use conduit_json::Json;
use conduit_memory::Memory;
use conduit_sim::Sim;
use futures_lite::{StreamExt, future};

const SECOND: Duration = Duration::from_secs(1);

fn instance(sim: &Sim, broker: &Memory, service: &str) -> Result<Conduit<Json>, conduit::Error> {
    let builder = Conduit::builder(service).runtime(sim.clone()).transport(broker.clone());
    builder.encoder(Json).ids(sim.ids()).discoverable(true).build()
}

#[test]
fn a_thousand_instances_are_described_without_a_burst() -> Result<(), Box<dyn Error>> {
    const COUNT: usize = 1000;
    let sim = Sim::new(7);
    sim.clone().block_on(async move {
        let broker = Memory::new();
        let mut all = Vec::new();
        for number in 0..COUNT {
            let conduit = instance(&sim, &broker, ["users", "mail"][number % 2])?;
            conduit.ready(SECOND).await?;
            conduit.queue_bind("work").await?.to(async |message| drop(message));
            all.push(conduit);
        }
        let asker = instance(&sim, &broker, "operator")?;
        let before = sim.now();
        let told = asker.services().await?;
        assert_eq!(sim.now() - before, SECOND);
        let own = 1;
        assert_eq!(told.len(), COUNT + own);
        let ids: BTreeSet<_> = told.iter().map(|info| info.instance).collect();
        assert!(all.iter().all(|conduit| ids.contains(&conduit.instance())));
        // Spread over a third of the second: no part of it has much more than its share.
        let mut parts = [0; 10];
        for info in &told {
            let part = usize::try_from(info.held_us / 33_334)?;
            parts[part] += 1;
        }
        assert!(parts.iter().all(|count| (COUNT / 20..COUNT / 5).contains(count)), "{parts:?}");
        assert_eq!(asker.stats().waiting_bytes, 0);
        assert_eq!(asker.stats().outbox_dropped, 0);
        Ok(())
    })
}

#[test]
fn a_flood_of_forged_questions_harms_nobody() -> Result<(), Box<dyn Error>> {
    const QUESTIONS: u128 = 100_000;
    let sim = Sim::new(8);
    sim.clone().block_on(async move {
        let broker = Memory::new();
        let (worker, asker) =
            (instance(&sim, &broker, "worker")?, instance(&sim, &broker, "asker")?);
        worker.queue_bind("work").await?.to(async |message| message.reply("done").await);
        let before = worker.stats();
        let victim = Source {
            service: "victim".parse()?,
            instance: InstanceId::from_bytes([7; InstanceId::LEN]),
        };
        let inbox = Address::Inbox { service: victim.service.clone(), instance: victim.instance };
        let mut answers = broker.subscribe(&inbox).await?;
        let start = sim.now();
        for number in 0..QUESTIONS {
            // Each under another name, so that none is a repetition.
            let instance = InstanceId::from_bytes(number.to_be_bytes());
            let source = match number % 2 {
                0 => victim.clone(),
                _ => Source { instance, ..victim.clone() },
            };
            let message = MessageId::from_bytes(number.to_be_bytes());
            let time_left = Duration::from_millis(u64::try_from(number % 90_000)?);
            let question = Frame::Describe { message, source, time_left, brief: false }.encode();
            let to = match number % 3 {
                0 => Address::Directory,
                _ => Address::Control { service: "worker".parse()? },
            };
            broker.publish(&to, question, None).await?;
            if number % 1000 == 0 {
                let reply = asker.service("worker").request("work", &1).await?;
                assert_eq!(reply.decode::<String>().await?, "done");
                sim.sleep(Duration::from_millis(100)).await;
            }
        }
        let flooded = sim.now() - start;
        sim.sleep(60 * SECOND).await;
        let mut bytes = 0;
        while let Some(Some(packet)) = future::poll_once(answers.next()).await {
            let Packet::Data(packet) = packet else { continue };
            assert!(packet.len() <= MAX_DESCRIPTION + 256);
            bytes += packet.len();
        }
        // Three instances hear the directory; it is ten a second, and what waits then.
        let most = 3 * (usize::try_from(flooded.as_secs())? * 10 + 110);
        assert!(bytes > 0 && bytes <= most * (MAX_DESCRIPTION + 256), "{bytes} bytes");
        let after = worker.stats();
        assert_eq!((after.tasks, after.outbox_dropped, after.waiting_bytes), (before.tasks, 0, 0));
        assert_eq!(asker.instances("worker").await?.len(), 1, "it is asked again");
        Ok(())
    })
}
