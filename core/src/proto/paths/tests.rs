use super::*;
use crate::MessageId;

const CHUNK: u64 = 16 << 10;
const ONE: InstanceId = InstanceId::from_bytes([1; InstanceId::LEN]);
const OTHER: InstanceId = InstanceId::from_bytes([2; InstanceId::LEN]);
const THIRD: InstanceId = InstanceId::from_bytes([3; InstanceId::LEN]);

fn stream(number: u8) -> StreamId {
    StreamId { message: MessageId::from_bytes([number; MessageId::LEN]), reply: false }
}

fn flight(chunks: u64) -> Flight {
    Flight { bytes: chunks * CHUNK, unproven: 0 }
}

/// Paths, and what each stream has on the way to each instance, in chunks.
struct Net {
    now: Instant,
    paths: Paths,
    on_the_way: BTreeMap<(StreamId, InstanceId), u64>,
}

impl Net {
    fn new() -> Self {
        let paths = Paths::default();
        Self { now: Instant::now(), paths, on_the_way: BTreeMap::new() }
    }

    /// Returns whether a chunk was sent.
    fn send(&mut self, stream: StreamId, to: &[InstanceId]) -> bool {
        let instances = to.iter().copied();
        if self.paths.may_send(self.now, stream, &instances, CHUNK, true).is_err() {
            return false;
        }
        self.paths.change(self.now, Way::Uplink, flight(0), flight(1));
        self.paths.leave(self.now, Way::Uplink, stream);
        for instance in to {
            self.change(stream, *instance, 1);
            self.paths.leave(self.now, Way::To(*instance), stream);
        }
        true
    }

    fn change(&mut self, stream: StreamId, instance: InstanceId, by: i64) {
        let count = self.on_the_way.entry((stream, instance)).or_default();
        let before = *count;
        *count = before.saturating_add_signed(by);
        let way = Way::To(instance);
        self.paths.change(self.now, way, flight(before), flight(*count));
    }

    /// A chunk has arrived.
    fn arrives(&mut self, stream: StreamId, instance: InstanceId) {
        self.change(stream, instance, -1);
        self.paths.change(self.now, Way::Uplink, flight(1), flight(0));
    }

    /// A chunk of any stream has arrived.
    fn one_arrives(&mut self, instance: InstanceId) {
        let mut there = self.on_the_way.iter().filter(|((_, to), _)| *to == instance);
        let (&(stream, _), _) = there.find(|(_, count)| **count > 0).expect("one is on the way");
        self.arrives(stream, instance);
    }

    fn woken(&mut self) -> Vec<StreamId> {
        std::iter::from_fn(|| self.paths.poll_woken()).collect()
    }

    /// Sends from one stream until there is no room. Returns the number of chunks.
    fn fill(&mut self, stream: StreamId, to: &[InstanceId]) -> usize {
        (0..100).take_while(|_| self.send(stream, to)).count()
    }
}

#[test]
fn a_window_that_is_full_makes_streams_wait_for_their_turn() {
    let mut net = Net::new();
    assert_eq!(net.fill(stream(1), &[ONE]), 4);
    assert!(!net.send(stream(2), &[ONE]) && !net.send(stream(3), &[ONE]));
    assert!(net.send(stream(2), &[OTHER]), "there is room on another way");
    assert_eq!(net.woken(), []);
    let mut turns = Vec::new();
    for _ in 0..6 {
        net.one_arrives(ONE);
        let woken = net.woken();
        let [next] = woken[..] else { panic!("one has its turn: {woken:?}") };
        assert!((1..=3).all(|it| stream(it) == next || !net.send(stream(it), &[ONE])));
        assert!(net.send(next, &[ONE]));
        assert!(!net.send(next, &[ONE]), "a chunk each");
        turns.push(next);
    }
    assert_eq!(turns, [1, 2, 3, 1, 2, 3].map(stream));
}

#[test]
fn a_stream_that_does_not_come_loses_its_turn() {
    let mut net = Net::new();
    net.fill(stream(1), &[ONE]);
    net.paths.leave(net.now, Way::To(ONE), stream(1));
    assert!(!net.send(stream(2), &[ONE]) && !net.send(stream(3), &[ONE]));
    net.arrives(stream(1), ONE);
    assert_eq!(net.woken(), [stream(2)]);
    net.now += PATIENCE / 2;
    assert!(!net.send(stream(3), &[ONE]));
    net.now += PATIENCE;
    assert!(net.send(stream(3), &[ONE]));
}

#[test]
fn a_stream_that_leaves_passes_its_turn_on() {
    let mut net = Net::new();
    net.fill(stream(1), &[ONE]);
    net.paths.leave(net.now, Way::To(ONE), stream(1));
    assert!(!net.send(stream(2), &[ONE]) && !net.send(stream(3), &[ONE]));
    net.arrives(stream(1), ONE);
    assert_eq!(net.woken(), [stream(2)]);
    net.paths.leave(net.now, Way::To(ONE), stream(2));
    assert_eq!(net.woken(), [stream(3)]);
}

#[test]
fn a_stream_for_several_instances_waits_for_the_slowest_and_is_not_starved() {
    let mut net = Net::new();
    assert_eq!(net.fill(stream(1), &[ONE]), 4);
    assert!(!net.send(stream(2), &[ONE, OTHER]));
    // The other is in use too, up to its window.
    assert_eq!(net.fill(stream(3), &[OTHER]), 4);
    net.arrives(stream(1), ONE);
    let woken = net.woken();
    assert!(woken.contains(&stream(1)) || woken.contains(&stream(2)), "{woken:?}");
    net.paths.leave(net.now, Way::To(ONE), stream(1));
    net.woken();
    assert!(net.send(stream(2), &[ONE, OTHER]), "it has its turn at one of them");
    assert!(!net.send(stream(2), &[ONE, OTHER]));
}

#[test]
fn a_stream_whose_turn_it_is_uses_it_for_another_instance() {
    let mut net = Net::new();
    assert_eq!((net.fill(stream(1), &[ONE]), net.fill(stream(2), &[OTHER])), (4, 4));
    for way in [Way::Uplink, Way::To(ONE), Way::To(OTHER)] {
        net.paths.leave(net.now, way, stream(1));
        net.paths.leave(net.now, way, stream(2));
    }
    assert!(!net.send(stream(3), &[THIRD]) && !net.send(stream(4), &[THIRD]));
    net.paths.lost(net.now, ONE);
    net.arrives(stream(2), OTHER);
    assert_eq!(net.woken(), [stream(3)]);
    assert!(!net.send(stream(3), &[ONE]));
    assert!(net.send(stream(3), &[OTHER]));
}

#[test]
fn receivers_that_may_not_exist_take_half_of_a_window() {
    let (mut net, mut unproven) = (Net::new(), Flight::default());
    let mut send = |net: &mut Net| {
        let to = std::iter::once(ONE);
        let may_send = net.paths.may_send(net.now, stream(1), &to, CHUNK, false).is_ok();
        if may_send {
            let bytes = unproven.bytes + CHUNK;
            let more = Flight { bytes, unproven: bytes };
            net.paths.change(net.now, Way::To(ONE), unproven, more);
            unproven = more;
        }
        may_send
    };
    assert!(send(&mut net) && send(&mut net) && !send(&mut net));
    assert_eq!(net.fill(stream(2), &[ONE]), 2);
}

#[test]
fn what_is_never_acknowledged_does_not_stop_others_for_ever() {
    let mut net = Net::new();
    net.fill(stream(1), &[ONE]);
    net.paths.leave(net.now, Way::To(ONE), stream(1));
    assert!(!net.send(stream(2), &[ONE]));
    net.now += Duration::from_secs(2);
    assert!(net.send(stream(2), &[ONE]));
}

#[test]
fn a_path_is_forgotten_some_time_after_its_use() {
    let mut net = Net::new();
    assert!(net.send(stream(1), &[ONE]));
    net.now += Duration::from_secs(60);
    net.paths.expire(net.now);
    assert!(!net.paths.is_empty(), "something is on the way");
    net.arrives(stream(1), ONE);
    net.paths.expire(net.now);
    assert!(net.paths.is_empty());
}
