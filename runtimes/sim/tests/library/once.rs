//! Whatever packet of a handshake or of an end is lost or repeated: one run of the handler, and the
//! truth for the sender.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use conduit::{Conduit, Error, ErrorKind, Executed, proto::frame::Frame, transport::Address};
use conduit_json::Json;
use conduit_memory::{FaultPlan, Faults};

use crate::net::{Net, Result};

const LENGTH: usize = 300_000;

#[derive(Debug, Clone, Copy)]
enum Way {
    Plain,
    Group,
    /// The handler sends the body back.
    Request,
}

/// Two instances, and a handler at the second that counts its runs.
struct World {
    sender: Conduit<Json>,
    receiver: Conduit<Json>,
    runs: Arc<AtomicU32>,
    way: Way,
}

impl World {
    async fn new(net: &Net, way: Way) -> Result<Self> {
        let (sender, receiver) = (net.conduit("sender")?, net.conduit("receiver")?);
        let runs = Arc::<AtomicU32>::default();
        let counter = Arc::clone(&runs);
        let bound = match way {
            Way::Plain => receiver.bind("song").await?,
            Way::Group | Way::Request => receiver.queue_bind("song").await?,
        };
        bound.to(move |message| {
            counter.fetch_add(1, Ordering::SeqCst);
            async move {
                let body = message.to_bytes().await?;
                assert_eq!(body.len(), LENGTH);
                if message.is_request() {
                    message.reply_body(body).await?;
                }
                Ok::<_, Error>(())
            }
        });
        Ok(Self { sender, receiver, runs, way })
    }

    async fn send(&self) -> Result<(), Error> {
        let (to, body) = (self.sender.service("receiver"), vec![7; LENGTH]);
        if let Way::Request = self.way {
            assert_eq!(to.request_body("song", body).await?.to_bytes().await?.len(), LENGTH);
            return Ok(());
        }
        let sent = to.send_body("song", body).await?;
        assert_eq!(sent.completed(), [self.receiver.instance()]);
        assert_eq!(sent.failed().len(), 0);
        Ok(())
    }

    /// Nothing is left, and nothing ran twice.
    async fn ran_once(&self, net: &Net) {
        net.is_released(&[&self.sender, &self.receiver]).await;
        assert_eq!(self.runs.load(Ordering::SeqCst), 1, "{:?}", self.way);
    }
}

/// Picks the first packets of a kind.
fn first(
    count: u32,
    kind: fn(&Frame) -> bool,
) -> impl Fn(&Address, &[u8]) -> bool + Send + Sync + 'static {
    let seen = AtomicU32::new(0);
    move |_, packet| {
        let frame = Frame::decode(&Bytes::copy_from_slice(packet)).expect("it can be read");
        kind(&frame) && seen.fetch_add(1, Ordering::SeqCst) < count
    }
}

/// Up to three packets of a kind are lost.
fn survives(ways: &[Way], kind: fn(&Frame) -> bool) -> Result {
    for (&way, count) in ways.iter().flat_map(|way| [1, 2, 3].map(|count| (way, count))) {
        Net::run(count.into(), |net| async move {
            let world = World::new(&net, way).await?;
            let plan = FaultPlan::new(net.sim.clone(), 1);
            net.broker.inject_faults(plan.on(first(count, kind), Faults::new().drop(1.0)));
            world.send().await?;
            assert!(net.broker.fault_counts().dropped > 0, "none was lost");
            world.ran_once(&net).await;
            Ok(())
        })?;
    }
    Ok(())
}

const ALL: &[Way] = &[Way::Plain, Way::Group, Way::Request];

#[test]
fn lost_offers() -> Result {
    // To the plain bindings it is made once.
    survives(&[Way::Group, Way::Request], |frame| matches!(frame, Frame::Offer { .. }))
}

#[test]
fn lost_accepts() -> Result {
    survives(ALL, |frame| matches!(frame, Frame::Accept { .. }))
}

#[test]
fn lost_confirms() -> Result {
    survives(ALL, |frame| matches!(frame, Frame::Confirm { .. }))
}

#[test]
fn lost_ends() -> Result {
    survives(ALL, |frame| matches!(frame, Frame::End { .. }))
}

#[test]
fn lost_last_acknowledgements() -> Result {
    survives(ALL, |frame| matches!(frame, Frame::Credit { receipt, .. } if receipt.done))
}

/// A receiver that has everything has forgotten the stream, and its sender goes on sending again
/// what was not acknowledged. Of ten tries within the idle limit the last one counts: with fewer,
/// one packet in ten that is lost at random would end a body now and then.
#[test]
fn nine_lost_acknowledgements_in_a_row() -> Result {
    for way in [Way::Plain, Way::Group] {
        Net::run(1, |net| async move {
            let world = World::new(&net, way).await?;
            let last = |frame: &Frame| matches!(frame, Frame::Credit { receipt, .. } if receipt.have == LENGTH as u64);
            let plan = FaultPlan::new(net.sim.clone(), 1);
            net.broker.inject_faults(plan.on(first(9, last), Faults::new().drop(1.0)));
            world.send().await?;
            let dropped = net.broker.fault_counts().dropped;
            assert_eq!(dropped, 9, "{way:?}");
            world.ran_once(&net).await;
            Ok(())
        })?;
    }
    Ok(())
}

#[test]
fn lost_heads_of_replies() -> Result {
    survives(&[Way::Request], |frame| matches!(frame, Frame::ReplyStream { .. }))
}

/// Who never hears the last acknowledgement says maybe, and not yes.
#[test]
fn a_last_acknowledgement_that_never_comes() -> Result {
    for way in [Way::Plain, Way::Group] {
        Net::run(1, |net| async move {
            let world = World::new(&net, way).await?;
            let last =
                |frame: &Frame| matches!(frame, Frame::Credit { receipt, .. } if receipt.done);
            let plan = FaultPlan::new(net.sim.clone(), 1);
            net.broker.inject_faults(plan.on(first(u32::MAX, last), Faults::new().drop(1.0)));
            let error = world.send().await.expect_err("it cannot know");
            assert_eq!((error.kind(), error.executed()), (ErrorKind::Lost, Executed::Maybe));
            assert!(net.sim.elapsed() < Duration::from_secs(12));
            world.ran_once(&net).await;
            Ok(())
        })?;
    }
    Ok(())
}

/// Each of these comes twice, and each time late: some while the body is on its way, some after it.
#[test]
fn what_comes_twice() -> Result {
    for seed in 0..100 {
        for &way in ALL {
            Net::run(seed, |net| async move {
                let world = World::new(&net, way).await?;
                let is_said_once = |frame: &Frame| {
                    let done = matches!(frame, Frame::Credit { receipt, .. } if receipt.done);
                    done || matches!(
                        frame,
                        Frame::Offer { .. }
                            | Frame::Accept { .. }
                            | Frame::Confirm { .. }
                            | Frame::End { .. }
                            | Frame::ReplyStream { .. }
                    )
                };
                let twice = Faults::new().duplicate(1.0).reorder(1.0, Duration::from_secs(2));
                let plan = FaultPlan::new(net.sim.clone(), seed);
                net.broker.inject_faults(plan.on(first(u32::MAX, is_said_once), twice));
                world.send().await?;
                world.ran_once(&net).await;
                Ok(())
            })?;
        }
    }
    Ok(())
}
