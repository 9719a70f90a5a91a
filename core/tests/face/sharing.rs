//! What one sender may hold of a conduit, and what is left for others.

use conduit::{
    Error, ErrorKind, Executed, MessageId,
    proto::{ReasonCode, frame::Frame},
    transport::{Packet, Target},
};
use conduit_memory::MemorySubscription;
use futures_lite::{StreamExt, future::poll_once};

use crate::{
    odd::Odd,
    support::world::{Node, TestResult, World, endless, pattern, secs},
};

fn body(number: u8) -> MessageId {
    MessageId::from_bytes([number; MessageId::LEN])
}

/// The frames that have come.
async fn told(inbox: &mut MemorySubscription) -> TestResult<Vec<Frame>> {
    let mut frames = Vec::new();
    while let Some(Some(Packet::Data(packet))) = poll_once(inbox.next()).await {
        frames.push(Frame::decode(&packet)?);
    }
    Ok(frames)
}

fn is_overloaded(frame: &Frame, message: MessageId) -> bool {
    matches!(frame, Frame::Stop { stream, reason, .. }
        if stream.message == message && reason.code == ReasonCode::Overloaded)
}

/// Which binding stopped each of them: 0 if the instance refused the offer for all.
fn stopped_by(frames: &[Frame]) -> Vec<u64> {
    let ports = frames.iter().filter_map(|frame| match frame {
        Frame::Stop { receiver, .. } => Some(receiver.port),
        _ => None,
    });
    ports.collect()
}

/// Begins to send bodies that do not end, one after the other, and says what becomes of each that is
/// over.
async fn send_endless(world: &World, node: &Node, count: usize) -> TestResult<Vec<Option<Error>>> {
    let mut sent = Vec::new();
    for _ in 0..count {
        let sending = node.service("a").send_body("x", endless(b"7")).expect(1);
        sent.push(world.sim.go(sending));
        world.sim.idle().await;
    }
    Ok(sent.into_iter().map(|sent| sent.try_recv().ok()?.err()).collect())
}

#[test]
fn one_sender_gets_a_third_of_a_binding_and_others_something_of_the_rest() -> TestResult {
    World::run(|world| async move {
        let node = world.builder("a").max_bodies_per_binding(12).build()?;
        let mut binding = node.bind("x").await?;
        let (one, two) = (world.node("b")?, world.node("c")?);
        for (sender, taken) in [(one, 5), (two, 3)] {
            let sent = send_endless(&world, &sender, 8).await?;
            let refused: Vec<_> = sent.iter().flatten().collect();
            assert_eq!(refused.len(), 8 - taken);
            for error in refused {
                let (kind, executed) = (error.kind(), error.executed());
                assert_eq!((kind, executed), (ErrorKind::Overloaded, Executed::No));
            }
        }
        assert_eq!((binding.waiting(), binding.lost()), (8, 8));
        while let Some(Some(message)) = poll_once(binding.next()).await {
            drop(message);
        }
        world.sim.idle().await;
        assert_eq!((node.stats().incoming_bodies, node.stats().incoming_bytes), (0, 0));
        Ok(())
    })
}

#[test]
fn an_offer_that_gives_way_is_told_so_and_so_is_its_confirmation() -> TestResult {
    World::run(|world| async move {
        // Eight of them may be unconfirmed.
        let node = world.builder("a").max_bodies_per_binding(32).build()?;
        let mut binding = node.queue_bind("x").await?;
        let silent = Odd::new(&world, 1)?;
        let mut inbox = silent.listen().await?;
        for number in 0..9 {
            silent.offer(Target::Group, body(number)).await?;
        }
        world.sim.idle().await;
        assert_eq!(node.stats().incoming_bodies, 8);
        let said = told(&mut inbox).await?;
        let stops: Vec<_> = said.iter().filter(|frame| is_overloaded(frame, body(8))).collect();
        assert_eq!((said.len(), stops.len()), (9, 1), "no more than a quarter: {said:?}");
        assert_eq!(stopped_by(&said), [0], "the instance refuses");

        let other = world.node("b")?;
        let sent = world.sim.go(other.service("a").send_body("x", pattern(100_000)));
        let message = binding.next().await.expect("it is bound");
        assert_eq!(message.to_bytes().await?, pattern(100_000));
        sent.recv().await??;
        let said = told(&mut inbox).await?;
        assert!(matches!(&said[..], [one] if is_overloaded(one, body(0))), "{said:?}");
        assert_eq!(stopped_by(&said), [1], "the binding gives it back");
        // It was under way already, and the offer is made once more.
        silent.confirm(&node, body(0)).await?;
        silent.offer(Target::Group, body(0)).await?;
        world.sim.idle().await;
        let said = told(&mut inbox).await?;
        let right = said.len() == 2 && said.iter().all(|frame| is_overloaded(frame, body(0)));
        assert!(right, "{said:?}");
        assert!(poll_once(binding.next()).await.is_none(), "no handler gets it");
        // The others can still be confirmed.
        silent.confirm(&node, body(1)).await?;
        assert_eq!(binding.next().await.expect("it is bound").source().instance, silent.instance());
        Ok(())
    })
}

#[test]
fn what_is_confirmed_and_then_silent_is_gone_after_the_idle_limit() -> TestResult {
    World::run(|world| async move {
        let node = world.node("a")?;
        let mut binding = node.queue_bind("x").await?;
        let odd = Odd::new(&world, 1)?;
        for number in 0..=u8::MAX {
            odd.offer(Target::Group, body(number)).await?;
            odd.confirm(&node, body(number)).await?;
            world.sim.idle().await;
        }
        assert_eq!(node.stats().incoming_bodies, 171, "a third, and the one that goes beyond");
        let other = world.node("b")?;
        let sent = world.sim.go(other.service("a").send_body("x", pattern(100_000)));
        let mut silent = Vec::new();
        for _ in 0..171 {
            silent.push(binding.next().await.expect("it is bound"));
        }
        let message = binding.next().await.expect("it is bound");
        assert_eq!(message.to_bytes().await?, pattern(100_000));
        sent.recv().await??;
        drop(message);
        world.sim.sleep(secs(11)).await;
        assert_eq!((node.stats().incoming_bodies, node.stats().incoming_bytes), (0, 0));
        Ok(())
    })
}

/// What is offered holds places where messages wait too.
#[test]
fn offers_leave_places_for_the_messages_of_others() -> TestResult {
    World::run(|world| async move {
        let node = world.builder("a").max_waiting_messages(30).build()?;
        let mut binding = node.queue_bind("x").await?;
        let odd = Odd::new(&world, 1)?;
        for number in 0..100 {
            odd.offer(Target::Group, body(number)).await?;
            odd.confirm(&node, body(number)).await?;
            world.sim.idle().await;
        }
        assert_eq!(binding.waiting(), 11);
        let other = world.node("b")?;
        for number in 0..19 {
            other.service("a").send("x", &number).await?;
        }
        world.sim.idle().await;
        assert_eq!((binding.waiting(), binding.lost()), (30, 0));
        for _ in 0..11 {
            binding.next().await.expect("it is bound");
        }
        for number in 0..19 {
            let message = binding.next().await.expect("it is bound");
            assert_eq!(message.decode::<i32>().await?, number);
        }
        Ok(())
    })
}

/// They were asked for.
#[test]
fn replies_are_charged_and_not_refused() -> TestResult {
    World::run(|world| async move {
        let answerer = world.node("a")?;
        let _handler = answerer
            .queue_bind("x")
            .await?
            .concurrency(10)
            .to(|message| async move { message.reply_body(pattern(100_000)).await });
        let first_window = 64 << 10;
        let asker = world.builder("b").max_bodies(1).body_budget(first_window).build()?;
        let mut replies = Vec::new();
        for _ in 0..10 {
            replies.push(asker.service("a").request("x", &()).await?);
        }
        world.sim.idle().await;
        let stats = asker.stats();
        assert_eq!((stats.incoming_bodies, stats.incoming_bytes), (10, 10 * first_window));
        // Nothing is left for what was not asked for.
        let _binding = asker.bind("x").await?;
        let sent = answerer.service("b").send_body("x", pattern(100_000)).expect(1).await;
        let error = sent.map(drop).expect_err("there is no room");
        assert_eq!(error.kind(), ErrorKind::Overloaded);
        for reply in replies {
            assert_eq!(reply.to_bytes().await?, pattern(100_000));
        }
        world.sim.idle().await;
        assert_eq!((asker.stats().incoming_bodies, asker.stats().incoming_bytes), (0, 0));
        Ok(())
    })
}

#[test]
fn a_plain_binding_decides_once_about_an_offer() -> TestResult {
    World::run(|world| async move {
        let node = world.builder("a").max_waiting_messages(1).build()?;
        let mut binding = node.bind("x").await?;
        let sender = Odd::new(&world, 1)?;
        let mut inbox = sender.listen().await?;
        sender.send(Target::Plain, "1").await?;
        sender.offer(Target::Plain, body(1)).await?;
        sender.offer(Target::Plain, body(1)).await?;
        world.sim.idle().await;
        assert!(binding.next().await.is_some());
        // There is room now, but its sender has been told.
        sender.offer(Target::Plain, body(1)).await?;
        sender.confirm(&node, body(1)).await?;
        world.sim.idle().await;
        let said = told(&mut inbox).await?;
        let right = said.len() == 4 && said.iter().all(|frame| is_overloaded(frame, body(1)));
        assert!(right, "{said:?}");
        assert!(poll_once(binding.next()).await.is_none(), "no handler gets it");
        assert_eq!(binding.lost(), 1, "it is lost once");
        Ok(())
    })
}
