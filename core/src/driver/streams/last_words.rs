//! The last packets about finished bodies, kept for senders that did not receive them.

use bytes::Bytes;

use super::{Expiring, Port, Streams};
use crate::{
    Source,
    lock::lock,
    proto::{
        ReasonCode,
        frame::{Frame, StreamId},
    },
    transport::{Address, Target},
};

/// A packet, with its address.
type LastWord = (Address, Bytes);

pub(super) type LastWords = Expiring<(StreamId, Port), LastWord>;

impl Streams {
    /// Returns the last word on a finished stream.
    pub(in crate::driver) fn last_word(&self, id: StreamId, port: Port) -> Option<LastWord> {
        lock(&self.received).get(self.ground.now(), &(id, port)).cloned()
    }

    /// Sends the last word on a finished stream again. Returns whether the stream is known.
    pub(in crate::driver) fn repeat_last_word(&self, id: StreamId, port: Port) -> bool {
        let last_word = self.last_word(id, port);
        let is_finished = last_word.is_some();
        if let Some((sender, packet)) = last_word {
            self.ground.post_packet(sender, packet, None);
        }
        is_finished
    }

    pub(in crate::driver) fn remember_last_word(&self, key: (StreamId, Port), last_word: LastWord) {
        let now = self.ground.now();
        let until = now + self.ground.config.idle_limit;
        lock(&self.received).insert(now, until, key, last_word);
        self.ground.cleanup_flag.set();
    }

    /// Refuses a streamed reply, also when it is offered again.
    pub(in crate::driver) fn refuse_reply(
        &self,
        stream: StreamId,
        source: &Source,
        code: ReasonCode,
    ) {
        let (receiver, target) = (self.ground.receiver(0), Target::Plain);
        let stop = Frame::Stop { stream, receiver, target, reason: code.into() }.encode();
        let to = source.inbox();
        self.remember_last_word((stream, 0), (to.clone(), stop.clone()));
        self.ground.post_packet(to, stop, None);
    }

    /// Sends the last words on streams with this id again: the sender has not received them.
    pub(super) fn repeat_last_words(&self, id: StreamId) {
        let mut received = lock(&self.received);
        for (sender, packet) in received.range(self.ground.now(), (id, Port::MIN)..=(id, Port::MAX))
        {
            self.ground.post_packet(sender.clone(), packet.clone(), None);
        }
    }
}
