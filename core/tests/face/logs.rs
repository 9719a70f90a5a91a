//! What is logged: the first of a kind at once, its repeats in one line, and no payload in either.

use std::{future::pending, sync::Arc};

use anyhow::Context as _;
use bytes::Bytes;
use conduit::{
    Error, Failure, Headers, InstanceId, Runtime as _, Source,
    proto::frame::{Frame, Head},
    transport::{Address, Targets, Transport as _},
};
use conduit_testing::logged_in_thread;
use tracing_subscriber::filter::LevelFilter;

use crate::support::world::{TestResult, World, secs};

type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// What a test logs at warn or above, line by line, and what it returns.
fn warnings<T, F>(test: impl FnOnce(World) -> F) -> Outcome<(T, Vec<String>)>
where
    F: Future<Output = Outcome<T>>,
{
    let (result, text) = logged_in_thread(LevelFilter::WARN, || World::run(test));
    let lines: Vec<_> = text.lines().map(|line| line.trim_start().to_owned()).collect();
    for line in &lines {
        assert!(line.len() < 2048, "a line of {} bytes", line.len());
        assert!(!line.contains('\u{1b}'), "{line:?}");
    }
    Ok((result?, lines))
}

/// A line has a level and a target, a message, and who sent what it is about.
fn assert_line(line: &str, start: &str, subject: &str, instance: InstanceId) {
    assert!(line.starts_with(start), "{line}\nstarts with {start}");
    for field in
        [format!("subject={subject}"), "source=asker".to_owned(), format!("instance={instance}")]
    {
        assert!(line.contains(&field), "{line}\nhas {field}");
    }
}

async fn pause(world: &World, seconds: u64) {
    world.sim.sleep_until(world.sim.now() + secs(seconds)).await;
}

#[test]
fn what_cannot_be_decoded_is_a_short_line_and_its_repeats_are_another() -> TestResult {
    let (asker, lines) = warnings(|world| async move {
        let node = world.node("a")?;
        let asker = world.node("asker")?;
        node.queue_bind("x").await?.serve(async |number: u8| Ok::<_, Failure>(number));
        let secret = "s3cret".repeat(200_000);
        let send = async |text: &str| asker.service("a").send("x", text).confirm().await;
        send(&secret).await?;
        for _ in 0..312 {
            send("s3cret").await?;
        }
        pause(&world, 11).await;
        send(&secret).await?;
        world.sim.idle().await;
        Ok(asker.instance())
    })?;
    assert_eq!(lines.len(), 3, "{lines:#?}");
    let start = "WARN conduit::handler: a message could not be decoded";
    for line in &lines {
        assert_line(line, start, "x", asker);
        assert!(!line.contains("s3cret"), "{line}");
    }
    let cause = r#"error=the body could not be decoded: invalid type: string "…", expected u8"#;
    assert!(lines[0].contains(cause), "{}", lines[0]);
    assert!(lines[1].starts_with(&format!("{start}, and 312 more in 10 s")), "{}", lines[1]);
    assert!(lines[1].contains("more=312"), "{}", lines[1]);
    assert!(lines[2].contains(cause), "after that it is told in full again: {}", lines[2]);
    Ok(())
}

#[test]
fn a_failure_is_logged_with_each_cause_once() -> TestResult {
    let (asker, lines) = warnings(|world| async move {
        let (node, asker) = (world.node("a")?, world.node("asker")?);
        node.queue_bind("fails").await?.to(|_| async {
            let full = std::io::Error::other("the disk is full\nand \u{1b}[31mred");
            Err(full).context("could not save").context("could not take the order")
        });
        node.queue_bind("long").await?.to(|_| async { Err("x".repeat(1 << 20)) });
        node.queue_bind("panics").await?.to(|_| async {
            if true {
                std::panic::resume_unwind(Box::new("x".repeat(1 << 20)));
            }
        });
        for subject in ["fails", "long", "panics"] {
            asker.service("a").request(subject, &1).await.map(drop).expect_err("it fails");
        }
        Ok(asker.instance())
    })?;
    assert_eq!(lines.len(), 3, "{lines:#?}");
    assert_line(&lines[0], "WARN conduit::handler: a handler failed ", "fails", asker);
    let causes =
        "error=could not take the order: could not save: the disk is full\\nand \\u{1b}[31mred";
    assert!(lines[0].contains(causes), "{}", lines[0]);
    assert_line(&lines[1], "WARN conduit::handler: a handler failed ", "long", asker);
    assert_line(&lines[2], "ERROR conduit::handler: a handler panicked ", "panics", asker);
    assert!(lines[1].contains(".. (1047552 bytes more)"), "{}", lines[1]);
    Ok(())
}

#[test]
fn a_handler_that_does_not_end_by_itself_is_a_warning() -> TestResult {
    let (asker, lines) = warnings(|world| async move {
        let (node, asker) = (world.node("a")?, world.node("asker")?);
        for subject in ["late", "given.up", "closed"] {
            node.queue_bind(subject).await?.to(|message| async move {
                let _message = message;
                pending::<()>().await;
            });
        }
        let service = asker.service("a");
        service.request("late", &1).timeout(secs(1)).await.map(drop).expect_err("it is late");
        let mut asking = service.request("given.up", &1);
        assert!(futures_lite::future::poll_once(&mut asking).await.is_none());
        world.sim.idle().await;
        drop(asking);
        let asked = world.sim.go(service.request("closed", &1));
        world.sim.idle().await;
        node.close().await;
        asked.recv().await?.map(drop).expect_err("it is closed");
        Ok(asker.instance())
    })?;
    assert_eq!(lines.len(), 3, "{lines:#?}");
    let start = |message| format!("WARN conduit::handler: {message} ");
    assert_line(&lines[0], &start("a handler ran out of time"), "late", asker);
    assert_line(&lines[1], &start("a handler was cut off by its asker"), "given.up", asker);
    assert_line(&lines[2], &start("a handler was cut off by closing"), "closed", asker);
    Ok(())
}

#[test]
fn the_second_loss_in_a_binding_is_seen_as_well_as_the_first() -> TestResult {
    let (asker, lines) = warnings(|world| async move {
        let node = world.builder("a").max_waiting_messages(1).build()?;
        let asker = world.node("asker")?;
        let bound = node.bind("x").await?;
        let other = node.bind("y").await?;
        let send = async |subject| {
            asker.service("a").send(subject, &1).await?;
            world.sim.idle().await;
            Ok::<_, Error>(())
        };
        for _ in 0..3 {
            send("x").await?;
        }
        send("y").await?;
        send("y").await?;
        assert_eq!((bound.lost(), other.lost()), (2, 1));
        pause(&world, 60).await;
        send("x").await?;
        Ok(asker.instance())
    })?;
    let full = "WARN conduit::binding: a binding is full and drops messages";
    assert_eq!(lines.len(), 4, "{lines:#?}");
    assert_line(&lines[0], &format!("{full} "), "x", asker);
    assert_line(&lines[1], &format!("{full} "), "y", asker);
    assert_line(&lines[2], &format!("{full}, and 1 more in 10 s "), "x", asker);
    assert_line(&lines[3], &format!("{full} "), "x", asker);
    Ok(())
}

#[test]
fn gaps_and_packets_that_are_not_understood_are_counted_up_to_the_end() -> TestResult {
    let asker = InstanceId::from_bytes([7; InstanceId::LEN]);
    let ((), lines) = warnings(|world| async move {
        let node = world.node("a")?;
        let bound = node.bind("x").await?;
        let (service, subject) = (node.name().clone(), "x".parse()?);
        let to = Address::Subject { service, subject, targets: Targets::Both };
        let publish = async |packet: Bytes| {
            world.broker.publish(&to, packet, None).await?;
            world.sim.idle().await;
            Ok::<_, conduit::transport::TransportError>(())
        };
        for sequence in [0, 3, 5] {
            let source = Source { service: "asker".parse()?, instance: asker };
            let head = Head {
                source,
                content_type: None,
                headers: Headers::new(),
                sequence: Some(sequence),
                request: None,
            };
            publish(Frame::Message { head: Arc::new(head), body: Bytes::new() }.encode()).await?;
        }
        assert_eq!(bound.missed(), 3);
        for _ in 0..3 {
            publish(Bytes::from_static(b"\x01\x7f\0\0")).await?;
        }
        pause(&world, 2).await;
        node.close().await;
        world.sim.idle().await;
        Ok(())
    })?;
    assert_eq!(lines.len(), 4, "{lines:#?}");
    let missed = "WARN conduit::binding: messages were lost on the way";
    assert_line(&lines[0], &format!("{missed} "), "x", asker);
    assert!(lines[0].contains("count=2"), "{}", lines[0]);
    let garbage = "WARN conduit::packet: a packet was not understood";
    assert!(lines[1].starts_with(&format!("{garbage} subject=x error=")), "{}", lines[1]);
    let mut sums = [&*lines[2], &*lines[3]];
    sums.sort_unstable();
    assert_line(sums[0], &format!("{missed}, and 1 more in "), "x", asker);
    assert!(sums[1].starts_with(&format!("{garbage}, and 2 more in ")), "{}", sums[1]);
    Ok(())
}
