use std::{sync::Arc, time::Instant};

use bytes::Bytes;
use conduit::transport::{Address, Token};
use event_listener::Event;

use super::{FaultPlan, Held, Transit};
use crate::{connection::Connection, wakers::Wakers, way::Writing};

/// The number of faults that plans have caused. Lets a test check that there were any.
///
/// ```
/// use conduit::transport::{Address, Transport};
/// use conduit_memory::{FaultPlan, Faults, Memory};
/// use conduit_sim::Sim;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let sim = Sim::new(1);
/// sim.block_on(async {
///     let memory = Memory::new();
///     memory.inject_faults(FaultPlan::new(sim.clone(), 1).on_the_rest(Faults::new().drop(1.0)));
///     let control = Address::Control { service: "shop".parse()? };
///     memory.publish(&control, "hello".into(), None).await?;
///     let counts = memory.fault_counts();
///     assert_eq!((counts.published, counts.dropped), (1, 1));
///     Ok(())
/// })
/// # }
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct FaultCounts {
    /// Packets published while a plan was active.
    pub published: u64,
    /// Packets lost, including those in transit when a connection broke, and delayed ones that
    /// found a subscription full.
    pub dropped: u64,
    /// Packets delivered twice.
    pub duplicated: u64,
    /// Packets delayed.
    pub delayed: u64,
    /// Packets delivered out of order.
    pub reordered: u64,
    /// Packets delivered with a flipped bit.
    pub damaged: u64,
}

/// An active plan.
pub(crate) struct Active {
    pub(crate) number: u64,
    plan: FaultPlan,
    pub(crate) transit: Transit,
    pub(crate) counts: FaultCounts,
}

/// What a plan does with a packet.
pub(crate) enum Fate {
    /// Routes it now, `copies` times.
    Now { copies: u64, notice: bool },
    /// Drops or delays it.
    Taken,
}

impl Active {
    pub(crate) fn new(
        number: u64,
        plan: FaultPlan,
        counts: FaultCounts,
        changed: Arc<Event>,
    ) -> Self {
        Self { number, plan, transit: Transit::new(changed), counts }
    }

    pub(crate) fn decide(
        &mut self,
        from: &Connection,
        to: &Address,
        packet: &mut Bytes,
        undelivered: Option<(&Address, Token)>,
    ) -> Fate {
        self.counts.published += 1;
        let faults = self.plan.faults(to, packet).cloned().unwrap_or_default();
        let rng = &mut self.plan.rng;
        if rng.f64() < faults.drop {
            self.counts.dropped += 1;
            return Fate::Taken;
        }
        if faults.damage > 0.0 && rng.f64() < faults.damage {
            self.counts.damaged += 1;
            damage(packet, rng.u8(..8));
        }
        let notice = rng.f64() >= faults.drop.max(faults.silence);
        let copies = if rng.f64() < faults.duplicate { 2 } else { 1 };
        self.counts.duplicated += copies - 1;
        let (now, bandwidth) = (self.plan.runtime.now(), self.plan.bandwidth);
        let written = |rate| self.transit.written_at(from.id, now, packet.len(), rate);
        let sent = bandwidth.map_or(now, written);
        let held = |undelivered| Held {
            writing: bandwidth.map(|_| Writing::new(&from.way)),
            ..Held::new((from.id, from.routes), to, packet, undelivered)
        };
        let mut at_once = 0;
        for copy in 0..copies {
            let undelivered = undelivered.filter(|_| notice && copy == 0);
            let delay = faults.delay.sample(rng);
            if rng.f64() < faults.reorder {
                let by = faults.reorder_by.mul_f64(rng.f64());
                self.counts.reordered += 1;
                self.transit.hold(sent + delay + by, held(undelivered));
            } else if sent == now && delay.is_zero() && !self.transit.has_line(from.id) {
                at_once += 1;
            } else {
                self.counts.delayed += 1;
                self.transit.hold_in_line(sent + delay, held(undelivered));
            }
        }
        match at_once {
            0 => Fate::Taken,
            copies => Fate::Now { copies, notice },
        }
    }

    /// Drops the packets in transit of one connection, or of all.
    pub(crate) fn lose(&mut self, from: Option<u64>) -> Vec<Held> {
        let lost = self.transit.lose(from);
        self.counts.dropped += lost.len() as u64;
        lost
    }

    /// Returns the readers to wake, of connections that receive as the plan says.
    pub(crate) fn wakers(&self) -> Wakers {
        Wakers::receiving(self.plan.receiving_bandwidth, self.now())
    }

    pub(crate) fn now(&self) -> Instant {
        self.plan.runtime.now()
    }
}

/// Flips one bit of the last byte.
fn damage(packet: &mut Bytes, bit: u8) {
    let mut bytes = packet.to_vec();
    if let Some(last) = bytes.last_mut() {
        *last ^= 1 << bit;
    }
    *packet = bytes.into();
}
