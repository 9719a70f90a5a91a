//! Whatever the pace of a reader, little lies unread beyond the bounds of its binding.

use std::time::Duration;

use conduit::{Binding, ErrorKind};
use conduit_json::Json;

use crate::support::world::{TestResult, World, millis, secs};

/// What comes in a millisecond.
const RATE: u64 = 200;
/// What 20 ms bring, and what comes while the task of the route gets its turn.
const UNREAD: u64 = 21 * RATE;

/// How a reader goes about: it takes so many messages, and then does something else for so long.
#[derive(Debug, Clone, Copy)]
struct Pace {
    take: usize,
    nap: Duration,
}

const PACES: [Pace; 5] = [
    Pace { take: 20, nap: millis(5) },
    Pace { take: 1, nap: millis(1) },
    Pace { take: 199, nap: millis(1) },
    Pace { take: 1, nap: millis(30) },
    Pace { take: 5_000, nap: millis(19) },
];

/// Reads at a pace until a number of messages were taken or lost.
async fn read(world: &World, binding: &mut Binding<Json>, pace: Pace, sent: u64) -> u64 {
    let (mut received, mut last) = (0, None);
    loop {
        for _ in 0..pace.take {
            if received + binding.lost() == sent {
                return received;
            }
            let message = binding.next().await.expect("it is bound");
            let number = message.decode::<u64>().await.expect("a number");
            assert!(last < Some(number), "{number} comes after {last:?}");
            last = Some(number);
            received += 1;
        }
        world.sim.sleep(pace.nap).await;
    }
}

#[test]
fn what_lies_unread_is_bounded_and_what_is_lost_is_counted() -> TestResult {
    const SENT: u64 = 20_000;
    for pace in PACES {
        World::run(|world| async move {
            let node = world.node("a")?;
            let mut binding = node.bind("x").await?;
            let service = world.node("b")?.service("a");
            let (sim, broker) = (world.sim.clone(), world.broker.clone());
            let sending = world.sim.go(async move {
                let mut most = 0;
                for number in 0..SENT {
                    service.send("x", &number).await?;
                    if (number + 1) % RATE == 0 {
                        sim.sleep(millis(1)).await;
                        most = most.max(broker.queued() as u64);
                    }
                }
                Ok::<_, conduit::Error>(most)
            });
            let received = read(&world, &mut binding, pace, SENT).await;
            let most = sending.recv().await??;
            assert!(most <= UNREAD, "{most} lie unread, with {pace:?}");
            assert_eq!((binding.waiting(), world.broker.queued()), (0, 0), "with {pace:?}");
            let lost = binding.lost();
            assert_eq!(received + lost, SENT);
            assert_eq!(node.stats().lost_messages, lost);
            TestResult::Ok(())
        })?;
    }
    Ok(())
}

#[test]
fn a_reader_that_keeps_up_loses_nothing_and_polls_alone() -> TestResult {
    World::run(|world| async move {
        let node = world.node("a")?;
        let mut binding = node.bind("x").await?;
        let service = world.node("b")?.service("a");
        let sim = world.sim.clone();
        let sending = world.sim.go(async move {
            for number in 0..50_000 {
                service.send("x", &number).await?;
                if number % 500 == 0 {
                    sim.sleep(millis(1)).await;
                }
            }
            Ok::<_, conduit::Error>(())
        });
        for number in 0..50_000 {
            let message = binding.next().await.expect("it is bound");
            assert_eq!(message.decode::<u32>().await?, number);
        }
        sending.recv().await??;
        assert_eq!(binding.lost(), 0);
        Ok(())
    })
}

#[test]
fn requests_do_not_wait_for_a_slow_reader_beside_an_idle_one() -> TestResult {
    World::run(|world| async move {
        let (napping, idle, asker) = (world.node("a")?, world.node("a")?, world.node("b")?);
        let mut slow = napping.queue_bind("x").await?;
        let work = idle.queue_bind("x").await?;
        let _handler = work.to(|message| async move { message.reply(&1).await });
        let sim = world.sim.clone();
        world.sim.go(async move {
            loop {
                for _ in 0..6 {
                    let message = slow.next().await.expect("it is bound");
                    message.reply(&2).await.ok();
                }
                sim.sleep(millis(9)).await;
            }
        });
        let service = asker.service("a");
        let mut asked = Vec::new();
        for _ in 0..50 {
            for number in 0..100 {
                let request = service.request("x", &number).timeout(secs(2));
                asked.push(world.sim.go(request));
            }
            world.sim.sleep(millis(1)).await;
        }
        let count = asked.len();
        let mut failed = Vec::new();
        for asked in asked {
            failed.extend(asked.recv().await?.err().map(|error| error.kind()));
        }
        let late = failed.iter().filter(|kind| **kind == ErrorKind::Deadline).count();
        assert_eq!((late, failed.len()), (0, 0), "of {count} requests");
        assert!(world.elapsed() < secs(2), "{:?}", world.elapsed());
        Ok(())
    })
}

#[test]
fn a_reader_that_never_waits_lets_other_tasks_run() -> TestResult {
    const SENT: u64 = 500;
    World::run(|world| async move {
        let node = world.node("a")?;
        let mut binding = node.bind("x").await?;
        let service = world.node("b")?.service("a");
        for number in 0..SENT {
            service.send("x", &number).await?;
        }
        world.sim.sleep(millis(100)).await;
        let (ran, other) = async_channel::bounded::<()>(1);
        let reading = world.sim.go(async move {
            let mut before = 0;
            while before < SENT && other.is_empty() {
                binding.next().await.expect("it is bound");
                before += 1;
            }
            before
        });
        // It is behind the reader.
        let _running = world.sim.go(async move { ran.try_send(()) });
        let before = reading.recv().await?;
        assert!(before < SENT, "{before} were read before");
        Ok(())
    })
}
