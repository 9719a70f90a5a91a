//! Decides which offers are accepted.

use crate::Source;
use std::time::{Duration, Instant};

use super::{Budget, Claim, Holder, shares::Shares};
use crate::proto::{clock::later, frame::StreamId};

/// An offer, with the room that its binding has.
#[derive(Debug, Clone, Copy)]
pub struct Offered<'a> {
    /// The stream of its body.
    pub stream: StreamId,
    /// The sender.
    pub source: &'a Source,
    /// The binding that it is for.
    pub port: u64,
    /// How many bytes of its body may be sent before the first grant.
    pub first: u64,
    /// The length of its packet, in bytes.
    pub packet: u64,
    /// How many messages its binding has room for.
    pub free_places: u64,
    /// How many bytes of packets its binding has room for.
    pub free_packets: u64,
}

/// Why an offer is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// There is no room, or its source holds too much already.
    Full,
    /// There is room after stopping the unconfirmed body of this stream and port.
    GivesWay(StreamId, u64),
}

/// The time for an honest sender to confirm its offer. Younger offers do not give way just because
/// others arrive: a flood would displace each offer before its sender could confirm it.
const ROUND_TRIP: Duration = Duration::from_millis(100);

impl Budget {
    /// Accepts an offer, if there is room for it and its source does not hold too much.
    ///
    /// # Errors
    /// [`Refused`]. If another offer gives way, call this again after stopping that one.
    pub fn offer(&mut self, now: Instant, offered: &Offered<'_>) -> Result<Claim, Refused> {
        if let Some(crowded) = self.examine(offered)? {
            return Err(self.gives_way(now, offered, &crowded));
        }
        Ok(self.open(Holder {
            stream: offered.stream,
            source: offered.source.clone(),
            port: Some(offered.port),
            since: now,
            packet: offered.packet,
            promised: offered.first,
            charge: offered.first,
            confirmed: false,
            waits: true,
        }))
    }

    /// Returns an account in which another offer has to give way, if any.
    fn examine(&self, offered: &Offered<'_>) -> Result<Option<Crowded<'_>>, Refused> {
        let &Offered { source, first, packet, free_places, free_packets, .. } = offered;
        let (conduit, binding) = (&self.conduit, self.bindings.get(&offered.port));
        let of_conduit = [
            (&conduit.first, first, conduit.first.free(), false),
            (&conduit.bodies, 1, conduit.bodies.free(), false),
        ];
        let of_binding = binding.map(|binding| {
            [
                (&binding.bodies, 1, binding.bodies.free(), true),
                // Messages of one packet take places there too.
                (&binding.places, 1, free_places, true),
                (&binding.packets, packet, free_packets.max(packet), true),
            ]
        });
        let mut crowded = None;
        let demands = of_conduit.into_iter().chain(of_binding.into_iter().flatten());
        for (shares, amount, free, of_binding) in demands {
            if !shares.is_fair(source, free) {
                return Err(Refused::Full);
            }
            if amount > free || !shares.has_room_for_offer(amount) {
                crowded = crowded.or(Some(Crowded { shares, amount, of_binding }));
            }
        }
        Ok(crowded)
    }

    /// Selects the offer that gives way: the oldest of a source that has many, or else of all.
    fn gives_way(&self, now: Instant, offered: &Offered<'_>, crowded: &Crowded<'_>) -> Refused {
        let &Crowded { shares, amount, of_binding } = crowded;
        let holders = self.unconfirmed.iter().filter_map(|id| self.holders.get(id));
        let mut holders = holders.filter(|holder| !of_binding || holder.port == Some(offered.port));
        let found = match shares.greediest() {
            Some(greedy) if !shares.has_less(offered.source, amount, &greedy) => None,
            Some(greedy) => holders.find(|holder| holder.source == greedy),
            None => holders.next().filter(|oldest| now >= later(oldest.since, ROUND_TRIP)),
        };
        match found {
            Some(Holder { stream, port: Some(port), .. }) => Refused::GivesWay(*stream, *port),
            _ => Refused::Full,
        }
    }
}

/// An account without room.
struct Crowded<'a> {
    shares: &'a Shares,
    /// The amount that there is no room for.
    amount: u64,
    /// Whether it is an account of one binding.
    of_binding: bool,
}
