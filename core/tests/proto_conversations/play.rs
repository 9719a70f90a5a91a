//! Plays a conversation on a virtual clock, and compares what the machines say with what they have
//! to say.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Instant,
};

use conduit::proto::frame::Frame;

use crate::{
    hex,
    party::{Names, Party, Said},
    script::{Call, Event, Packet, Script, millis},
};

/// What one party has yet to say and to be told, each with its time.
#[derive(Debug, Default)]
struct Expected {
    says: VecDeque<(u64, Packet)>,
    sees: VecDeque<(u64, Event)>,
}

pub(crate) struct Play {
    start: Instant,
    now: u64,
    parties: BTreeMap<String, Party>,
    /// What local users do.
    calls: VecDeque<(u64, String, Call)>,
    expected: BTreeMap<String, Expected>,
    /// What is on its way: when it arrives, its number, for whom, from whom.
    wire: BTreeMap<(u64, usize), (String, String, Frame)>,
    sent: usize,
    /// When the last step is.
    end: u64,
}

impl Play {
    pub(crate) fn new(script: Script) -> Self {
        let start = Instant::now();
        let names: Names =
            script.parties.iter().map(|(name, it)| (it.id(), name.clone())).collect();
        let key = hex::array(&script.nonce_key);
        let party = |(name, instance)| {
            let party = Party::new(instance, &script.limits, key, names.clone());
            (name, party)
        };
        let parties = script.parties.into_iter().map(party).collect();
        let mut play = Self {
            start,
            now: 0,
            parties,
            calls: VecDeque::new(),
            expected: BTreeMap::new(),
            wire: BTreeMap::new(),
            sent: 0,
            end: 0,
        };
        for step in script.steps {
            assert!(step.at >= play.end, "the steps are in the order of time: {step:?}");
            play.end = step.at;
            let expected = play.expected.entry(step.by.clone()).or_default();
            match (step.says, step.does, step.sees) {
                (Some(packet), None, None) => expected.says.push_back((step.at, packet)),
                (None, Some(call), None) => play.calls.push_back((step.at, step.by, call)),
                (None, None, Some(event)) => expected.sees.push_back((step.at, event)),
                step => panic!("one thing happens in a step: {step:?}"),
            }
        }
        play
    }

    /// Plays it to its last step. At each time all that arrives comes first, then what users do, then
    /// what is said and seen.
    ///
    /// Panics where something else is said or seen.
    pub(crate) fn run(mut self) {
        while let Some(next) = self.next_time().filter(|next| *next <= self.end) {
            self.now = next;
            while let Some(first) = self.wire.first_entry().filter(|it| it.key().0 <= next) {
                let (to, from, frame) = first.remove();
                self.arrive(&to, &from, frame);
            }
            while self.calls.front().is_some_and(|(at, ..)| *at <= next) {
                let (_, by, call) = self.calls.pop_front().expect("there is one");
                let now = self.instant();
                self.party(&by).call(now, call);
            }
            self.settle();
        }
        for (name, Expected { says, sees }) in self.expected {
            assert!(says.is_empty(), "{name} did not say {:?}", says[0]);
            assert!(sees.is_empty(), "{name} did not see {:?}", sees[0]);
        }
    }

    fn next_time(&self) -> Option<u64> {
        let timers = self.parties.values().filter_map(Party::next_time);
        let timers = timers.map(|at| {
            let passed = at - self.start;
            assert!(
                passed.subsec_nanos().is_multiple_of(1_000_000),
                "times are whole milliseconds"
            );
            u64::try_from(passed.as_millis()).expect("it is soon")
        });
        let arrivals = self.wire.keys().map(|(at, _)| *at);
        let calls = self.calls.iter().map(|(at, ..)| *at);
        timers.chain(arrivals).chain(calls).min()
    }

    fn instant(&self) -> Instant {
        self.start + millis(self.now)
    }

    fn party(&mut self, name: &str) -> &mut Party {
        self.parties.get_mut(name).unwrap_or_else(|| panic!("there is no {name:?}"))
    }

    fn arrive(&mut self, to: &str, from: &str, frame: Frame) {
        let now = self.instant();
        if to == "broker" {
            self.party(from).handle_published(now, &frame);
        } else {
            self.party(to).handle(now, frame);
        }
    }

    /// Lets all say what they have to say.
    fn settle(&mut self) {
        let now = self.instant();
        let mut all = Vec::new();
        for (name, party) in &mut self.parties {
            all.push((name.clone(), party.settle(now), party.events()));
        }
        for (name, said, seen) in all {
            for said in said {
                self.said(&name, &said);
            }
            for event in seen {
                let expected = self.expected.get_mut(&name).and_then(|it| it.sees.pop_front());
                assert_eq!(Some((self.now, event)), expected, "{name} sees something else");
            }
        }
    }

    fn said(&mut self, name: &str, said: &Said) {
        let frame = Frame::decode(&said.packet).expect("what is sent can be read");
        let expected = self.expected.get_mut(name).and_then(|it| it.says.pop_front());
        let Some((at, packet)) = expected else {
            panic!("{name} says at {}, to {}: {frame:?}", self.now, said.to);
        };
        let is = (self.now, said.to.as_str(), hex::text(&said.packet));
        assert_eq!(is, (at, packet.to.as_str(), packet.hex), "{name} says {frame:?}");
        let kind = format!("{frame:?}");
        assert_eq!(kind.split(' ').next(), Some(packet.frame.as_str()), "{name} at {at}");
        for (to, at) in packet.arrives {
            self.sent += 1;
            self.wire.insert((at, self.sent), (to, name.to_owned(), frame.clone()));
        }
    }
}
