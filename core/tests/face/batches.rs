//! While a connection is busy, messages to one place travel together, and nothing else changes.

use crate::{
    odd::Odd,
    support::{
        busy::{self, Control},
        world::{Node, TestResult, World, pattern, secs},
    },
};
use bytes::Bytes;
use conduit::{
    proto::frame::{Frame, Members},
    transport::{Address, Target},
};

pub(crate) const MOST: usize = 16;

pub(crate) fn to_subject(address: &Address) -> bool {
    matches!(address, Address::Subject { .. })
}

fn to_inbox(address: &Address) -> bool {
    matches!(address, Address::Inbox { .. })
}

/// How many messages each packet has; offers and probes are left out.
pub(crate) fn counts(packets: &[Bytes]) -> Vec<usize> {
    let count = |packet| match Frame::decode(packet).expect("it is valid") {
        Frame::Batch { packets } => Some(Members::new(packets).flatten().count()),
        Frame::Offer { .. } | Frame::Probe { .. } => None,
        _ => Some(1),
    };
    packets.iter().filter_map(count).collect()
}

/// The body of a batch of short packets.
fn packets(packets: &[Bytes]) -> Bytes {
    let length = |packet: &Bytes| u8::try_from(packet.len()).expect("it is short");
    let parts = packets.iter().map(|packet| [&[length(packet)], &packet[..]].concat());
    parts.collect::<Vec<_>>().concat().into()
}

/// A sender on a busy connection, which has found out that there is no group at `x`.
pub(crate) async fn sender(world: &World) -> TestResult<(Node, Control)> {
    let (builder, control) = busy::busy(world, "a");
    let node = builder.build()?;
    // The first one goes alone, and the second one asks for a group.
    node.own_service().send("x", &-2).await?;
    control.set_busy(true);
    node.own_service().send("x", &-1).await?;
    world.sim.idle().await;
    control.take_published(|_| true);
    Ok((node, control))
}

#[test]
fn messages_that_are_sent_while_it_is_busy_travel_together_and_in_order() -> TestResult {
    World::run(|world| async move {
        let mut bound = world.node("a")?.bind("x").await?;
        let (node, control) = sender(&world).await?;
        for number in 0..40 {
            node.own_service().send("x", &number).await?;
        }
        world.sim.idle().await;
        assert_eq!(counts(&control.take_published(to_subject)), [MOST, MOST]);
        control.set_busy(false);
        world.sim.idle().await;
        assert_eq!(counts(&control.take_published(to_subject)), [40 - 2 * MOST]);
        node.own_service().send("x", &40).await?;
        assert_eq!(counts(&control.take_published(to_subject)), [1]);
        for expected in -2..=40 {
            let message = bound.next().await.expect("it is bound");
            assert_eq!(message.decode::<i32>().await?, expected);
        }
        assert_eq!((bound.lost(), bound.missed()), (0, 0));
        TestResult::Ok(())
    })
}

#[test]
fn what_a_reader_leaves_of_a_batch_waits_in_its_binding_or_is_counted() -> TestResult {
    const ROOM: usize = 4;
    World::run(|world| async move {
        let receiver = world.builder("a").max_waiting_messages(ROOM).build()?;
        let mut bound = receiver.bind("x").await?;
        let (node, control) = sender(&world).await?;
        for number in 0..MOST {
            node.own_service().send("x", &number).await?;
        }
        assert_eq!(counts(&control.take_published(to_subject)), [MOST]);
        for expected in -2..=0 {
            let message = bound.next().await.expect("it is bound");
            assert_eq!(message.decode::<i32>().await?, expected);
        }
        world.sim.sleep(secs(1)).await;
        let lost = u64::try_from(MOST - 1 - ROOM)?;
        assert_eq!((bound.waiting(), bound.lost(), bound.missed()), (ROOM, lost, 0));
        for expected in 1..=ROOM {
            let message = bound.next().await.expect("it is bound");
            assert_eq!(message.decode::<usize>().await?, expected);
        }
        TestResult::Ok(())
    })
}

#[test]
fn a_reader_that_leaves_within_a_batch_loses_nothing_of_it() -> TestResult {
    World::run(|world| async move {
        let mut bound = world.node("a")?.bind("x").await?;
        let (node, control) = sender(&world).await?;
        for number in 0..MOST {
            node.own_service().send("x", &number).await?;
        }
        assert_eq!(counts(&control.take_published(to_subject)), [MOST]);
        for _ in 0..5 {
            bound.next().await.expect("it is bound");
        }
        bound.unbind().await;
        for expected in 3..MOST {
            let message = bound.next().await.expect("it was routed here");
            assert_eq!(message.decode::<usize>().await?, expected);
        }
        assert!(bound.next().await.is_none());
        TestResult::Ok(())
    })
}

#[test]
fn messages_for_a_group_travel_alone() -> TestResult {
    World::run(|world| async move {
        let worker = world.node("a")?.queue_bind("x").await?;
        let (node, control) = sender(&world).await?;
        for number in 0..40 {
            node.own_service().send("x", &number).await?;
        }
        assert_eq!(counts(&control.take_published(to_subject)), [1; 40]);
        // Where the group has left, it is asked for again.
        worker.unbind().await;
        world.sim.sleep(secs(2)).await;
        node.own_service().send("x", &40).await?;
        world.sim.idle().await;
        control.take_published(to_subject);
        for number in 0..MOST {
            node.own_service().send("x", &number).await?;
        }
        assert_eq!(counts(&control.take_published(to_subject)), [MOST]);
        TestResult::Ok(())
    })
}

#[test]
fn nothing_overtakes_what_waits() -> TestResult {
    World::run(|world| async move {
        let mut bound = world.node("a")?.bind("x").await?;
        let (node, control) = sender(&world).await?;
        let mut read = async || {
            let message = bound.next().await.expect("it is bound");
            if message.is_request() {
                message.reply(&()).await?;
            }
            Ok::<_, conduit::Error>(message.to_bytes().await?.len())
        };
        assert_eq!((read().await?, read().await?), (2, 2));
        // One packet that fits no batch, a stream, and a request.
        for length in [(16 << 10) - 10, 100_000, 3] {
            control.set_busy(true);
            for _ in 0..3 {
                node.own_service().send_body("x", "1").await?;
            }
            let (service, body) = (node.own_service(), pattern(length));
            let sent = world.sim.go(async move {
                match length {
                    3 => service.request_body("x", body).await.map(drop),
                    _ => service.send_body("x", body).expect(1).await.map(drop),
                }
            });
            world.sim.idle().await;
            let packets = counts(&control.take_published(to_subject));
            assert_eq!(packets.first(), Some(&3), "before {length} bytes: {packets:?}");
            control.set_busy(false);
            for expected in [1, 1, 1, length] {
                assert_eq!(read().await?, expected);
            }
            sent.recv().await??;
        }
        TestResult::Ok(())
    })
}

#[test]
fn replies_to_one_asker_travel_together() -> TestResult {
    World::run(|world| async move {
        let (builder, control) = busy::busy(&world, "a");
        let answerer = builder.build()?;
        answerer
            .queue_bind("x")
            .await?
            .concurrency(64)
            .serve(async |number: u32| Ok::<_, conduit::Error>(number));
        let asker = world.node("b")?.service("a");
        asker.request("x", &0).await?;
        control.take_published(|_| true);
        control.set_busy(true);
        let asked = |number: u32| {
            let asker = asker.clone();
            async move { asker.request("x", &number).await?.decode::<u32>().await }
        };
        let answers: Vec<_> = (0..40).map(|number| world.sim.go(asked(number))).collect();
        world.sim.idle().await;
        assert_eq!(counts(&control.take_published(to_inbox)), [MOST, MOST]);
        control.set_busy(false);
        for (number, answer) in (0..).zip(answers) {
            assert_eq!(answer.recv().await??, number);
        }
        assert_eq!(counts(&control.take_published(to_inbox)), [40 - 2 * MOST]);
        TestResult::Ok(())
    })
}

#[test]
fn what_waits_is_sent_before_it_flushes_leaves_or_ends() -> TestResult {
    for how in ["flush", "unbind", "drain", "close", "drop"] {
        World::run(|world| async move {
            let mut bound = world.node("a")?.bind("x").await?;
            let (node, control) = sender(&world).await?;
            let own = node.bind("x").await?;
            for number in 0..5 {
                node.own_service().send("x", &number).await?;
            }
            assert!(control.take_published(to_subject).is_empty(), "{how}");
            let doing = world.sim.go(async move {
                match how {
                    "flush" => node.flush().await.expect("it is connected"),
                    "unbind" => own.unbind().await,
                    "drain" => drop(node.drain(secs(1)).await),
                    "close" => node.close().await,
                    _ => drop(own),
                }
                node
            });
            world.sim.idle().await;
            control.set_busy(false);
            let node = doing.recv().await?;
            if how == "drop" {
                drop(node);
            }
            for expected in -2..5 {
                let message = bound.next().await.expect("it is bound");
                assert_eq!(message.decode::<i32>().await?, expected, "{how}");
            }
            TestResult::Ok(())
        })?;
    }
    Ok(())
}

#[test]
fn an_invalid_packet_in_a_batch_is_counted_and_the_others_are_read() -> TestResult {
    World::run(|world| async move {
        let node = world.node("a")?;
        let mut bound = node.bind("x").await?;
        let odd = Odd::new(&world, 1)?;
        let nested = Frame::Batch { packets: packets(&[odd.message("nested").encode()]) }.encode();
        let members = [
            odd.message("one").encode(),
            nested,
            Bytes::from_static(b"?"),
            odd.message("two").encode(),
        ];
        odd.say(Target::Plain, Frame::Batch { packets: packets(&members) }).await?;
        for expected in ["one", "two"] {
            assert_eq!(bound.next().await.expect("it is bound").text().await?, expected);
        }
        assert_eq!(node.stats().invalid_packets, 2);
        TestResult::Ok(())
    })
}
