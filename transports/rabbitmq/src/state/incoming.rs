//! What the server says on the channels of subscriptions: answers and packets.

use bytes::{Bytes, BytesMut};
use conduit::transport::Packet;

use super::{
    News, Side, State, Tag,
    subscriptions::{Stage, push},
};
use crate::{
    frame::{Fault, Frame, Method},
    link::MAX_PACKET_LEN,
    method,
};

/// How often a subscription is begun whose queue goes meanwhile.
const TRIES: u8 = 50;

/// A packet that is arriving.
pub(super) struct Content {
    tag: u64,
    redelivered: bool,
    /// How many of its bytes are still to come.
    left: u64,
    /// What has come; `None` where it is longer than a packet may be, and is thrown away.
    bytes: Option<Collected>,
}

enum Collected {
    Nothing,
    /// The only frame, which most packets have.
    One(Bytes),
    Several(BytesMut),
}

impl Content {
    fn take(&mut self, body: Bytes) {
        self.left = self.left.saturating_sub(body.len() as u64);
        self.bytes = match self.bytes.take() {
            None => None,
            Some(Collected::Nothing) if self.left == 0 => Some(Collected::One(body)),
            Some(Collected::Nothing) => Some(Collected::Several(BytesMut::from(&body[..]))),
            Some(Collected::Several(mut bytes)) if bytes.len() + body.len() <= MAX_PACKET_LEN => {
                bytes.extend_from_slice(&body);
                Some(Collected::Several(bytes))
            }
            Some(_) => None,
        };
    }
}

impl State {
    /// Takes what the server says on the channel of a subscription.
    pub(super) fn consumed(&mut self, channel: u16, frame: Frame, news: &mut News) {
        let id = match (self.subscriptions.channels.get(&channel), &frame) {
            (Some(Some(id)), _) => *id,
            (Some(None), Frame::Method(Method::ChannelClosed)) => {
                return self.subscriptions.release(channel);
            }
            // It is being closed, or never was.
            _ => return,
        };
        match frame {
            Frame::Method(Method::Consuming | Method::Bound) => self.made(id),
            Frame::Method(Method::ChannelClose(fault)) => {
                self.subscriptions.release(channel);
                self.ended(id, fault, news);
            }
            Frame::Method(Method::Cancel) => {
                self.close(channel);
                let text = "its queue was deleted".to_owned();
                self.ended(id, Fault { code: 0, text }, news);
            }
            Frame::Method(Method::Unbound) => self.look_whether_empty(id),
            Frame::Method(Method::QueueDeclared { messages, consumers }) => {
                self.looked(id, messages, consumers);
            }
            Frame::Method(Method::Cancelled) => self.left(id, news),
            Frame::Method(Method::Deliver { tag, redelivered }) => {
                let content =
                    Content { tag, redelivered, left: 0, bytes: Some(Collected::Nothing) };
                self.subscriptions.contents.insert(channel, content);
            }
            Frame::Header { size, .. } => {
                if let Some(content) = self.subscriptions.contents.get_mut(&channel) {
                    content.left = size;
                    if size > MAX_PACKET_LEN as u64 {
                        content.bytes = None;
                    }
                    self.arrived(id, channel, news);
                }
            }
            Frame::Body(body) => {
                if let Some(content) = self.subscriptions.contents.get_mut(&channel) {
                    content.take(body);
                    self.arrived(id, channel, news);
                }
            }
            _ => {}
        }
    }

    /// Gives a packet to its subscription, if it is whole.
    fn arrived(&mut self, id: u64, channel: u16, news: &mut News) {
        let contents = &mut self.subscriptions.contents;
        if contents.get(&channel).is_none_or(|content| content.left > 0) {
            return;
        }
        let (Some(content), Some(sub)) =
            (contents.remove(&channel), self.subscriptions.all.get_mut(&id))
        else {
            return;
        };
        let bytes = content.bytes.map(|collected| match collected {
            Collected::Nothing => Bytes::new(),
            Collected::One(bytes) => bytes,
            Collected::Several(bytes) => bytes.freeze(),
        });
        let mut acknowledged = !sub.is_of_group();
        // What came again may have been handled, by a member that is gone.
        if let Some(bytes) = bytes.filter(|_| acknowledged || !content.redelivered) {
            let tag = Tag { consumer: sub.consumer, number: content.tag };
            let is_left = matches!(sub.stage, Stage::Leaving(..));
            let tag = Some(tag).filter(|_| !acknowledged && !is_left);
            if push(&sub.queue, Packet::Data(bytes), tag, news)
                && let Some(tag) = tag
            {
                acknowledged = true;
                sub.unacknowledged = Some(tag.number);
            }
        }
        if !acknowledged {
            let out = &mut self.out[Side::Consuming as usize];
            method::acknowledge(out, channel, content.tag, false);
        }
    }

    /// The server has ended what was consumed, or never begun with it.
    fn ended(&mut self, id: u64, fault: Fault, news: &mut News) {
        let Some(sub) = self.subscriptions.all.get(&id) else { return };
        match &sub.stage {
            Stage::Leaving(..) => self.left(id, news),
            Stage::Consuming if !fault.is_denied() => {
                news.errors.push(format!("{}: {fault}", sub.route.name));
                self.subscribe_at_server(id, news);
            }
            // The queue went with another member, between two things that were asked for.
            Stage::Asked(_) if matches!(fault.code, 0 | 404) && sub.tries < TRIES => {
                self.subscribe_at_server(id, news);
            }
            _ => self.refused(id, fault, news),
        }
    }
}
