//! Which instances there are, and what they tell of themselves.

use std::{collections::BTreeMap, time::Duration};

use conduit::{
    BindingInfo, BoundAs, ConduitState, Contract, Error, ErrorKind, InstanceId, InstanceInfo,
    MessageId, Runtime as _, Source,
    proto::frame::Frame,
    transport::{Address, Packet, Transport as _},
};
use futures_lite::{StreamExt, future};

use crate::support::world::{Node, TestResult, World, millis, secs};

fn only(instances: &[InstanceInfo]) -> &InstanceInfo {
    assert_eq!(instances.len(), 1, "{instances:?}");
    &instances[0]
}

fn binding<'a>(info: &'a [BindingInfo], subject: &str) -> &'a BindingInfo {
    info.iter().find(|it| it.subject.as_str() == subject).expect("it is bound")
}

fn sum(all: &[InstanceInfo], count: impl Fn(&InstanceInfo) -> u64) -> u64 {
    all.iter().map(count).sum()
}

/// Fails for 1, panics for 2, and answers everything else.
fn serve(node: &Node) -> impl Future<Output = TestResult> {
    let bound = node.queue_bind("work");
    async move {
        bound.await?.serve(async |number: u64| match number {
            1 => Err("it is 1"),
            2 => panic!("it is 2"),
            number => Ok(number),
        });
        Ok(())
    }
}

#[test]
fn an_instance_tells_what_its_builder_was_told_and_what_it_holds() -> TestResult {
    const SQUARE: Contract<u64, String> = Contract::request("square");
    World::run(|world| async move {
        let builder = world.builder("worker").version("1.2.3-rc.1").description("It works");
        let node = builder.send_timeout(millis(1500)).max_waiting_messages(7).build()?;
        let square = node.queue_bind(&SQUARE).await?.concurrency(3);
        square.serve(async |number| Ok::<_, Error>((number * number).to_string()));
        let _noted = node.bind("noted").await?;
        world.sim.sleep_until(world.sim.now() + secs(5)).await;

        let all = world.node("asker")?.instances("worker").await?;
        let info = only(&all);
        assert_eq!(info.service.as_str(), "worker");
        assert_eq!((info.instance, info.state), (node.instance(), ConduitState::Running));
        assert_eq!(info.version.as_deref(), Some("1.2.3-rc.1"));
        assert_eq!(info.description.as_deref(), Some("It works"));
        assert_eq!((&*info.runtime, &*info.transport), ("Sim", "Memory"));
        assert_eq!(info.content_type, "application/json");
        assert!((5000..6000).contains(&info.uptime_ms), "{}", info.uptime_ms);
        assert!(info.held_us < 333_334 && info.round_trip_us == Some(0), "{info:?}");
        assert_eq!((&*info.limits["send_timeout"], &*info.limits["idle_limit"]), ("1500ms", "10s"));
        assert_eq!(info.limits["max_waiting_messages"], "7");
        assert_eq!((info.stats["bindings"], info.more_bindings), (2, 0));
        let square = binding(&info.bindings, "square");
        assert_eq!((square.kind, square.concurrency), (BoundAs::QueueBind, 3));
        assert_eq!(square.takes.as_deref(), Some("u64"));
        assert_eq!(square.replies.as_deref(), Some("alloc::string::String"));
        let noted = binding(&info.bindings, "noted");
        assert_eq!((noted.kind, noted.concurrency, &noted.takes), (BoundAs::Bind, 1, &None));
        Ok(())
    })
}

#[test]
fn what_three_instances_count_is_what_was_sent() -> TestResult {
    World::run(|world| async move {
        let asker = world.node("asker")?;
        let mut nodes = Vec::new();
        for _ in 0..3 {
            nodes.push(world.node("worker")?);
            serve(&nodes[nodes.len() - 1]).await?;
        }
        let send = async |count: u64| {
            for number in 0..count {
                let outcome = asker.service("worker").request("work", &(number % 4)).await;
                assert_eq!(outcome.is_err(), matches!(number % 4, 1 | 2));
            }
        };
        send(20).await;
        let all = asker.instances("worker").await?;
        assert_eq!(all.len(), 3);
        assert_eq!(sum(&all, |it| it.total.messages), 20);
        assert_eq!(sum(&all, |it| it.total.requests), 20);
        assert_eq!(sum(&all, |it| it.total.errors), 10);
        assert_eq!(sum(&all, |it| it.total.handled), 10);
        assert_eq!(sum(&all, |it| it.total.failed.get("HandlerPanicked").copied().unwrap_or(0)), 5);
        assert_eq!(sum(&all, |it| it.total.failed.get("HandlerFailed").copied().unwrap_or(0)), 5);
        assert_eq!(sum(&all, |it| it.total.in_flight + it.total.waiting), 0);

        let leaving = nodes.remove(0);
        let drained = leaving.drain(secs(5)).await;
        send(20).await;
        let mut all = asker.instances("worker").await?;
        assert_eq!(all.len(), 2, "the third is closed");
        let last = &binding(&drained.bindings, "work").counts;
        assert_eq!(sum(&all, |it| it.total.messages) + last.messages, 40);
        assert_eq!(sum(&all, |it| it.total.errors) + last.errors, 20);
        all.retain(|info| info.instance == leaving.instance());
        assert!(all.is_empty());
        Ok(())
    })
}

#[test]
fn an_instance_answers_while_it_drains() -> TestResult {
    World::run(|world| async move {
        let (asker, node) = (world.node("asker")?, world.node("worker")?);
        let (sim, start) = (world.sim.clone(), world.sim.now());
        node.queue_bind("slow").await?.to(move |message| {
            let sim = sim.clone();
            async move {
                sim.sleep_until(start + secs(20)).await;
                message.reply(&()).await
            }
        });
        let slow = asker.service("worker").request("slow", &()).into_future();
        let slow = world.sim.go(slow);
        world.sim.sleep_until(start + secs(1)).await;
        let draining = node.clone();
        let drained = world.sim.go(async move { draining.drain(secs(60)).await });
        world.sim.sleep_until(start + secs(2)).await;

        let all = asker.instances("worker").await?;
        let info = only(&all);
        assert_eq!(info.state, ConduitState::Draining);
        let counts = &binding(&info.bindings, "slow").counts;
        assert_eq!((counts.messages, counts.in_flight, counts.handled), (1, 1, 0));

        slow.recv().await??;
        let drained = drained.recv().await?;
        let counts = &binding(&drained.bindings, "slow").counts;
        assert_eq!((counts.messages, counts.in_flight, counts.handled), (1, 0, 1));
        assert_eq!((counts.requests, counts.time_us), (1, counts.longest_us));
        assert!((19_000_000..=20_000_000).contains(&counts.time_us), "{}", counts.time_us);
        assert!(asker.instances("worker").await?.is_empty());
        Ok(())
    })
}

#[test]
fn a_binding_that_is_gone_is_not_listed_and_still_counted() -> TestResult {
    World::run(|world| async move {
        let node = world.node("worker")?;
        for round in 1..=3_u64 {
            let mut noted = node.bind("noted").await?;
            node.own_service().send_body("noted", "four").await?;
            drop(noted.next().await);
            let info = node.describe();
            let counts = &binding(&info.bindings, "noted").counts;
            assert_eq!((counts.messages, counts.bytes, counts.in_flight), (1, 4, 0));
            drop(noted);
            assert!(node.describe().bindings.is_empty());
            assert_eq!(node.traffic().received[0].messages, round);
        }
        Ok(())
    })
}

#[test]
fn what_waits_and_what_is_dropped_is_told() -> TestResult {
    World::run(|world| async move {
        let node = world.builder("worker").max_waiting_messages(3).build()?;
        let _noted = node.bind("noted").await?;
        for _ in 0..5 {
            node.own_service().send_body("noted", "four").await?;
        }
        world.sim.sleep_until(world.sim.now() + secs(1)).await;
        let info = node.describe();
        let counts = &binding(&info.bindings, "noted").counts;
        assert_eq!((counts.messages, counts.waiting, counts.lost), (0, 3, 2));
        assert_eq!(counts.failed, BTreeMap::from([("Overloaded".to_owned(), 2)]));
        assert!(counts.waiting_bytes > 12);
        Ok(())
    })
}

#[test]
fn only_who_wants_to_be_found_is() -> TestResult {
    World::run(|world| async move {
        let asker = world.node("asker")?;
        assert!(asker.services().await?.is_empty());
        assert_eq!(world.elapsed(), Duration::ZERO, "the broker knows");
        let shown = world.builder("shown").discoverable(true).build()?;
        let _usual = world.node("usual")?;
        let hidden = world.builder("hidden").describes(false).discoverable(true).build()?;
        for node in [&shown, &hidden] {
            node.ready(secs(1)).await?;
        }

        let all = asker.services().brief().await?;
        let info = only(&all);
        assert_eq!(
            (info.instance, info.bindings.len(), info.stats.len()),
            (shown.instance(), 0, 0)
        );
        assert_eq!(asker.instances("usual").await?.len(), 1);
        assert!(asker.instances("hidden").await?.is_empty());
        assert!(asker.instances("no-such").await?.is_empty());
        let error = asker.instances("no.such").await.expect_err("there are no dots");
        assert_eq!(error.kind(), ErrorKind::InvalidName);
        asker.close().await;
        let error = asker.services().await.expect_err("it is closed");
        assert_eq!(error.kind(), ErrorKind::Closed);
        Ok(())
    })
}

#[test]
fn forged_questions_are_answered_ten_times_a_second_at_most() -> TestResult {
    World::run(|world| async move {
        let node = world.node("worker")?;
        node.ready(secs(1)).await?;
        let source = Source {
            service: "victim".parse()?,
            instance: InstanceId::from_bytes([7; InstanceId::LEN]),
        };
        let inbox = Address::Inbox { service: source.service.clone(), instance: source.instance };
        let mut answers = world.broker.subscribe(&inbox).await?;
        let control = Address::Control { service: "worker".parse()? };
        let start = world.sim.now();
        for number in 0..2000_u128 {
            let message = MessageId::from_bytes(number.to_be_bytes());
            let time_left = Duration::MAX;
            let question =
                Frame::Describe { message, source: source.clone(), time_left, brief: false };
            world.broker.publish(&control, question.encode(), None).await?;
            world.sim.sleep_until(world.sim.now() + millis(5)).await;
        }
        // Others are served meanwhile and afterwards.
        let mut bound = node.bind("noted").await?;
        node.own_service().send("noted", &1).await?;
        assert!(bound.next().await.is_some());
        world.sim.sleep_until(start + secs(60)).await;
        let mut count = 0;
        while let Some(Some(packet)) = future::poll_once(answers.next()).await {
            assert!(matches!(packet, Packet::Data(bytes) if bytes.len() < 16 << 10));
            count += 1;
        }
        assert!((100..=220).contains(&count), "{count} answers in 20 s");
        Ok(())
    })
}

#[test]
fn answers_have_to_be_to_the_question_and_fit() -> TestResult {
    World::run(|world| async move {
        let asker = world.builder("asker").max_waiting_bytes(3000).build()?;
        let control = Address::Control { service: "worker".parse()? };
        let mut questions = world.broker.subscribe(&control).await?;
        let inbox = Address::Inbox { service: "asker".parse()?, instance: asker.instance() };
        let asking = asker.clone();
        let told = world.sim.go(async move { asking.instances("worker").await });
        let Some(Packet::Data(packet)) = questions.next().await else { panic!("it asks") };
        let Frame::Describe { message, .. } = Frame::decode(&packet)? else { panic!("it asks") };
        let mut body = serde_json::to_value(world.node("worker")?.describe())?;
        body["description"] = "x".repeat(200).into();
        let answer = async |message, service: &str, number: u8, body: Vec<u8>| -> TestResult {
            let instance = InstanceId::from_bytes([number; InstanceId::LEN]);
            let source = Source { service: service.parse()?, instance };
            let frame = Frame::Description { message, source, body: body.into() };
            world.broker.publish(&inbox, frame.encode(), None).await?;
            Ok(())
        };
        let good = serde_json::to_vec(&body)?;
        answer(MessageId::from_bytes([9; 16]), "worker", 1, good.clone()).await?;
        answer(message, "other", 2, good.clone()).await?;
        answer(message, "worker", 3, b"[]".to_vec()).await?;
        for number in [4, 4, 5] {
            answer(message, "worker", number, good.clone()).await?;
        }
        let all = told.recv().await??;
        let told: Vec<_> = all.iter().map(|info| info.instance.to_bytes()[0]).collect();
        assert_eq!(told, [4], "the others do not answer it, make no sense, or have no room");
        assert_eq!(asker.stats().waiting_bytes, 0);
        Ok(())
    })
}
