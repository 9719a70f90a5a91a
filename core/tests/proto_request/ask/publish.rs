//! The broker: who gets what the asker publishes.

use conduit::{
    InstanceId,
    proto::{AskerTransmit, Recipient, Transmit, frame::Frame},
    transport::{Target, Targets},
};

use super::{Packet, Play};

impl Play {
    /// The request, in one packet.
    pub(super) fn publish_request(&mut self, targets: Targets) {
        let now = self.now;
        let mut is_there = false;
        for target in [Target::Plain, Target::Group] {
            let wanted = if target == Target::Plain { targets.plain() } else { targets.group() };
            let to = if wanted { self.listeners(target) } else { Vec::new() };
            is_there |= !to.is_empty();
            to.into_iter().for_each(|at| self.wire.send(now, Packet::Request(at, target)));
        }
        if !is_there {
            self.wire.send(now, Packet::Undelivered(targets));
        }
    }

    pub(super) fn publish_beside(&mut self, transmit: AskerTransmit) {
        let now = self.now;
        match transmit {
            AskerTransmit::Probe => {
                self.probed += 1;
                if !self.stations.iter().any(|station| station.listens(Target::Group)) {
                    self.wire.send(now, Packet::Undelivered(Targets::Group));
                }
            }
            AskerTransmit::Cancel => {
                (0..self.stations.len()).for_each(|at| self.wire.send(now, Packet::Cancel(at)));
            }
        }
    }

    /// A packet of the body.
    pub(super) fn publish(&mut self, transmit: &Transmit) {
        let now = self.now;
        let frame = Frame::decode(&transmit.packet).expect("what is said can be read");
        let to = match transmit.to {
            Recipient::Inbox(instance) => {
                let packet = self.to_instance(instance, frame);
                return packet.into_iter().for_each(|packet| self.wire.send(now, packet));
            }
            Recipient::Bindings(target) => self.listeners(target),
        };
        if let Some(target) = transmit.offer {
            self.asked += 1;
            if to.is_empty() {
                self.wire.send(now, Packet::Undelivered(target.into()));
            }
        }
        to.into_iter().for_each(|at| self.wire.send(now, Packet::ToStation(at, frame.clone())));
    }

    pub(super) fn to_instance(&self, instance: InstanceId, frame: Frame) -> Option<Packet> {
        let at = self.stations.iter().position(|station| station.instance() == instance)?;
        Some(Packet::ToStation(at, frame))
    }

    /// Who gets what is published to bindings of a kind: of the group, one member.
    fn listeners(&mut self, target: Target) -> Vec<usize> {
        let listens = |at: &usize| self.stations[*at].listens(target);
        let all: Vec<_> = (0..self.stations.len()).filter(listens).collect();
        if target == Target::Plain || all.is_empty() {
            return all;
        }
        let member = self.wire.roll(all.len() as u64);
        vec![all[usize::try_from(member).expect("it is small")]]
    }
}
