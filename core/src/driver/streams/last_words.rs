//! What was last said of bodies that are finished here, for senders who did not hear it.

use bytes::Bytes;

use super::{Port, Tombs};
use crate::{
    driver::{Shared, shared::lock},
    proto::{
        ReasonCode,
        frame::{Frame, Source, StreamId},
    },
    transport::{Address, Target},
};

/// What to say, and to whom.
type LastWord = (Address, Bytes);

pub(super) type LastWords = Tombs<(StreamId, Port), LastWord>;

impl Shared {
    /// What was last said of a stream that is finished.
    pub(in crate::driver) fn last_word(&self, id: StreamId, port: Port) -> Option<LastWord> {
        lock(&self.streams.received).get(self.now(), &(id, port)).cloned()
    }

    /// Says again what was last said of a stream that is finished. Returns whether it is.
    pub(in crate::driver) fn repeat_last_word(&self, id: StreamId, port: Port) -> bool {
        let last_word = self.last_word(id, port);
        let is_finished = last_word.is_some();
        if let Some((sender, packet)) = last_word {
            self.post_packet(sender, packet, None);
        }
        is_finished
    }

    pub(in crate::driver) fn remember_last_word(&self, key: (StreamId, Port), last_word: LastWord) {
        let now = self.now();
        let until = now + self.config.idle_limit;
        lock(&self.streams.received).insert(now, until, key, last_word);
        self.untidy.set();
    }

    /// Takes no streamed reply, however often it is offered.
    pub(in crate::driver) fn refuse_reply(
        &self,
        stream: StreamId,
        source: &Source,
        code: ReasonCode,
    ) {
        let (receiver, target) = (self.receiver(0), Target::Plain);
        let stop = Frame::Stop { stream, receiver, target, reason: code.into() }.encode();
        let to = Self::inbox_of(source);
        self.remember_last_word((stream, 0), (to.clone(), stop.clone()));
        self.post_packet(to, stop, None);
    }

    /// The sender still asks about streams that are finished here: the last word was lost.
    pub(super) fn repeat_last_words(&self, id: StreamId) {
        let mut received = lock(&self.streams.received);
        for (sender, packet) in received.range(self.now(), (id, Port::MIN)..=(id, Port::MAX)) {
            self.post_packet(sender.clone(), packet.clone(), None);
        }
    }
}
