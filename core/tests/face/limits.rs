use std::time::Duration;

use conduit::{Builder, Conduit, ErrorKind, Limits};
use conduit_json::Json;
use conduit_memory::Memory;

use crate::support::{
    sim::Sim,
    world::{TestResult, World, pattern, secs},
};

type Change = fn(Builder<Sim, Memory, Json>) -> Builder<Sim, Memory, Json>;

fn build(change: Change) -> Result<(), conduit::Error> {
    let builder = Conduit::builder("a").runtime(Sim::new()).transport(Memory::new()).encoder(Json);
    change(builder).build().map(drop)
}

#[test]
fn limits_that_could_never_work_are_refused() {
    let wrong: [(Change, &str); 16] = [
        (|b| b.chunk_size(0), "chunk"),
        (|b| b.first_window(0), "first window"),
        (|b| b.first_window(2 << 20), "window"),
        (|b| b.body_window(1), "window"),
        (|b| b.body_window(u64::MAX).body_budget(u64::MAX), "TiB"),
        (|b| b.body_budget(1), "budget"),
        (|b| b.body_budget(u64::MAX), "TiB"),
        (|b| b.max_waiting_messages(0), "message"),
        (|b| b.max_bodies_per_binding(0), "body"),
        (|b| b.max_bodies(0), "body"),
        (|b| b.outbox_size(0), "notice"),
        (|b| b.send_timeout(Duration::ZERO), "send timeout"),
        (|b| b.idle_limit(Duration::ZERO), "idle limit"),
        (|b| b.send_timeout(Duration::MAX), "year"),
        (|b| b.idle_limit(Duration::MAX), "year"),
        (|b| b.close_timeout(Duration::MAX), "year"),
    ];
    for (at, (change, word)) in wrong.into_iter().enumerate() {
        let error = build(change).expect_err("the limit makes no sense");
        assert_eq!(error.kind(), ErrorKind::InvalidLimit, "{at}: {error}");
        assert!(error.to_string().contains(word), "{at}: {error}");
    }
}

#[test]
fn limits_at_their_edge_are_taken() -> TestResult {
    let right: [Change; 8] = [
        |b| b.chunk_size(1).first_window(1).body_window(1).body_budget(1),
        |b| b.chunk_size(usize::MAX),
        |b| b.max_waiting_messages(1).max_bodies(1).max_bodies_per_binding(1),
        |b| b.max_waiting_messages(usize::MAX),
        |b| b.max_waiting_bytes(0).max_waiting_bytes_per_binding(0),
        |b| b.max_waiting_bytes(u64::MAX).max_waiting_bytes_per_binding(u64::MAX),
        |b| b.request_timeout(Duration::MAX).join_window(Duration::ZERO),
        |b| b.max_decode_size(0).close_timeout(Duration::ZERO),
    ];
    right.into_iter().try_for_each(build)?;
    Ok(())
}

#[test]
fn tiny_windows_still_move_a_body() -> TestResult {
    World::run(|world| async move {
        let tiny = world.builder("a").chunk_size(1).first_window(1).body_window(1);
        let node = tiny.body_budget(1).build()?;
        let mut bound = node.queue_bind("x").await?;
        let sent = world.sim.go(node.own_service().send_body("x", pattern(20)));
        let message = bound.next().await.expect("it is bound");
        assert_eq!(message.to_bytes().await?, pattern(20));
        assert_eq!(sent.recv().await??.completed().len(), 1);
        assert_eq!(node.stats().incoming_bytes, 0);
        Ok(())
    })
}

#[test]
fn a_body_beyond_the_decode_limit_is_too_large() -> TestResult {
    for streamed in [false, true] {
        World::run(|world| async move {
            let chunk = if streamed { 10 } else { 1000 };
            let node = world.builder("a").chunk_size(chunk).max_decode_size(100).build()?;
            let mut bound = node.queue_bind("x").await?;
            let own = node.own_service();
            for (length, fits) in [(100, true), (101, false)] {
                let sent = world.sim.go(own.send_body("x", "7".repeat(length)));
                let message = bound.next().await.expect("it is bound");
                let text = message.text().await;
                drop(message);
                assert_eq!(text.is_ok(), fits, "{length} bytes: {text:?}");
                let told = sent.recv().await?;
                if let Err(error) = text {
                    assert_eq!(error.kind(), ErrorKind::TooLarge);
                    assert!(error.to_string().contains("the limit is 100"), "{error}");
                    let told = told.map(drop).map_err(|error| error.kind());
                    let expected = if streamed { Err(ErrorKind::TooLarge) } else { Ok(()) };
                    assert_eq!(told, expected, "the sender of a streamed one is told why");
                }
            }
            let open = world.builder("a").no_max_decode_size().build()?;
            let mut bound = open.bind("y").await?;
            let sent = world.sim.go(own.send_body("y", pattern(6 << 20)));
            let message = bound.next().await.expect("it is bound");
            assert_eq!(message.to_bytes().await?.len(), 6 << 20);
            sent.recv().await??;
            TestResult::Ok(())
        })?;
    }
    Ok(())
}

#[test]
fn a_full_binding_drops_and_counts() -> TestResult {
    World::run(|world| async move {
        let node = world.builder("a").max_waiting_messages(3).build()?;
        let mut bound = node.bind("x").await?;
        for number in 0..10 {
            node.own_service().send("x", &number).await?;
        }
        world.sim.idle().await;
        assert_eq!((bound.waiting(), bound.lost()), (3, 7));
        assert_eq!(node.stats().lost_messages, 7);
        for number in 0..3 {
            let message = bound.next().await.expect("it is bound");
            assert_eq!(message.decode::<i32>().await?, number);
        }
        let sent = node.own_service().request("x", &1).timeout(secs(1));
        let asked = world.sim.go(sent);
        let message = bound.next().await.expect("there is room again");
        message.reply(&2).await?;
        assert_eq!(asked.recv().await??.decode::<i32>().await?, 2);
        Ok(())
    })
}

/// Every limit, as a file may give it, and by the methods of the builder.
const ALL: &str = r#"{
    "chunk_size": 1000, "body_window": 200000, "first_window": 3000, "body_budget": 4000000,
    "max_decode_size": 5000, "request_timeout": "6ms", "send_timeout": "7s", "join_window": "8ms",
    "lag_limit": "9m", "idle_limit": "10 h", "max_waiting_messages": 11,
    "max_waiting_bytes_per_binding": 12, "max_waiting_bytes": 13, "max_request_wait": "14ms",
    "max_bodies_per_binding": 15, "max_bodies": 16, "close_timeout": "0s", "outbox_size": 18,
    "send_buffer": 19
}"#;

fn all(builder: Builder) -> Builder {
    builder
        .chunk_size(1000)
        .body_window(200_000)
        .first_window(3000)
        .body_budget(4_000_000)
        .max_decode_size(5000)
        .request_timeout(Duration::from_millis(6))
        .send_timeout(secs(7))
        .join_window(Duration::from_millis(8))
        .lag_limit(secs(9 * 60))
        .idle_limit(secs(10 * 60 * 60))
        .max_waiting_messages(11)
        .max_waiting_bytes_per_binding(12)
        .max_waiting_bytes(13)
        .max_request_wait(Duration::from_millis(14))
        .max_bodies_per_binding(15)
        .max_bodies(16)
        .close_timeout(Duration::ZERO)
        .outbox_size(18)
        .send_buffer(19)
}

#[test]
fn a_file_may_give_every_limit_of_the_book() {
    let (_, table) = include_str!("../../../examples/book/src/sizing.md")
        .split_once("| what | default | builder |")
        .expect("the table exists");
    let rows = table.lines().skip(2).map_while(|line| line.strip_suffix(" |"));
    let cells = rows.map(|row| row.rsplit(" | ").next().unwrap_or_default());
    let names = cells.flat_map(|cell| cell.split(", ")).filter_map(|name| {
        name.strip_prefix('`')?.strip_suffix('`').filter(|name| !name.contains("::"))
    });
    let names: Vec<_> = names.collect();
    assert_eq!(names.len(), 20, "{names:?}");
    for name in names.into_iter().filter(|name| *name != "no_max_decode_size") {
        assert!(ALL.contains(&format!("\"{name}\": ")), "{name}");
    }
}

#[test]
fn limits_of_a_file_are_those_of_the_builder() -> TestResult {
    let fresh = || Conduit::builder("a");
    let shown = |builder: Builder| format!("{builder:?}");
    let limits: Limits = serde_json::from_str(ALL)?;
    limits.check()?;
    assert_eq!(shown(fresh().limits(&limits)), shown(all(fresh())));
    // What is missing, or null, stays as it is.
    for nothing in ["{}", r#"{ "lag_limit": null, "max_bodies": null }"#] {
        let nothing: Limits = serde_json::from_str(nothing)?;
        assert_eq!(shown(fresh().limits(&nothing)), shown(fresh()));
        assert_eq!(shown(all(fresh()).limits(&nothing)), shown(all(fresh())));
    }
    let unlimited: Limits = serde_json::from_str(r#"{ "no_max_decode_size": true }"#)?;
    assert_eq!(shown(fresh().limits(&unlimited)), shown(fresh().no_max_decode_size()));
    Ok(())
}

#[test]
fn limits_of_a_file_that_are_wrong_are_refused() {
    for (text, part) in [
        (r#"{ "max_body": 1 }"#, "unknown field `max_body`"),
        (r#"{ "max_bodies": -1 }"#, "-1"),
        (r#"{ "max_bodies": "many" }"#, "many"),
        (r#"{ "lag_limit": 5 }"#, "a whole number with"),
        (r#"{ "lag_limit": "5" }"#, "a whole number with"),
        (r#"{ "lag_limit": "s" }"#, "a whole number with"),
        (r#"{ "lag_limit": "-5s" }"#, "a whole number with"),
        (r#"{ "lag_limit": "5 days" }"#, "a whole number with"),
        (r#"{ "lag_limit": "99999999999999999999s" }"#, "a whole number with"),
        (r#"{ "lag_limit": "18446744073709551615h" }"#, "a whole number with"),
    ] {
        let error = serde_json::from_str::<Limits>(text).expect_err("it is wrong").to_string();
        assert!(error.contains(part), "{text}: {error}");
    }
    for text in
        [r#"{ "max_bodies": 0 }"#, r#"{ "body_window": 1 }"#, r#"{ "idle_limit": "8761h" }"#]
    {
        let limits: Limits = serde_json::from_str(text).expect("each can be read");
        let error = limits.check().expect_err("but cannot work");
        assert_eq!(error.kind(), ErrorKind::InvalidLimit, "{text}: {error}");
        let builder = Conduit::builder("a").runtime(Sim::new()).transport(Memory::new());
        let built = builder.encoder(Json).limits(&limits).build().map(drop);
        assert_eq!(built.expect_err("nor be built with").to_string(), error.to_string());
    }
}
