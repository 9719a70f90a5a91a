//! What a server says, and what follows from it.

use std::{sync::Arc, task::Waker};

use conduit::transport::Packet;

use super::{Channel, Expected, NodeId, Notice, Purpose, State, expected::Leaving};
use crate::{
    reply::{Malformed, Reply},
    script,
};

/// What others have to be told.
#[derive(Debug, Default)]
pub(crate) struct News {
    /// Whom to wake.
    pub(crate) wakers: Vec<Waker>,
    /// What the server does not permit, and what it says to that.
    pub(crate) denied: Vec<(Channel, String)>,
    /// Channels among them that were published to.
    pub(crate) suspects: Vec<Channel>,
    /// Other errors.
    pub(crate) errors: Vec<String>,
    /// How many packets found no room in their subscription.
    pub(crate) dropped: usize,
    /// Packets have to be published elsewhere by now.
    pub(crate) moved: bool,
    /// Subscriptions have to be made elsewhere.
    pub(crate) lost: bool,
}

const OUT_OF_STEP: Malformed = Malformed::new("a reply was not expected");
const NOT_WANTED: Malformed = Malformed::new("it has no slots any more");

impl State {
    /// Takes the next reply of a server.
    ///
    /// # Errors
    /// The server says what was not asked for: the connection is of no use any more.
    pub(crate) fn handle(
        &mut self,
        id: NodeId,
        reply: Reply,
        news: &mut News,
    ) -> Result<(), Malformed> {
        let node = self.nodes.get_mut(&id).ok_or(NOT_WANTED)?;
        let list = match reply {
            Reply::Push(list) => list,
            reply => {
                let expected = node.expected.pop_front().ok_or(OUT_OF_STEP)?;
                return self.answer(id, expected, &reply, news);
            }
        };
        let mut list = list.into_iter();
        let kind = list.next();
        let kind = kind.as_ref().and_then(Reply::text).unwrap_or_default();
        let Some(Reply::Text(channel)) = list.next() else {
            return Ok(());
        };
        let channel = str::from_utf8(&channel).unwrap_or_default();
        match kind {
            b"smessage" => {
                if let Some(Reply::Text(packet)) = list.next() {
                    let packet = Packet::Data(packet);
                    news.dropped += self.route(Some(id), channel, &packet, &mut news.wakers);
                }
            }
            b"ssubscribe" => match node.expected.pop_front() {
                Some(Expected::Subscribed(expected)) if *expected == *channel => {}
                _ => return Err(OUT_OF_STEP),
            },
            b"sunsubscribe" => {
                let asked = match node.expected.front() {
                    Some(Expected::Unsubscribed(leaving)) => *leaving.channel == *channel,
                    _ => false,
                };
                match if asked { node.expected.pop_front() } else { None } {
                    Some(Expected::Unsubscribed(leaving)) => self.left(leaving, Ok(()), news),
                    _ if self.cluster => self.lost(id, channel, news),
                    _ => return Err(OUT_OF_STEP),
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// The slot of a subscription is not at this server any more.
    fn lost(&mut self, id: NodeId, channel: &str, news: &mut News) {
        self.stale = true;
        if self.home(channel) == Some(id) {
            news.lost |= self.set_home(channel, None);
        }
    }

    fn left(&mut self, leaving: Leaving, said: Result<(), String>, news: &mut News) {
        if let Some(queue) = &leaving.queue {
            news.wakers.extend(self.end_queue(&leaving.channel, queue));
        }
        if let Some(answer) = leaving.answer {
            answer.give(said);
        }
    }

    fn answer(
        &mut self,
        id: NodeId,
        expected: Expected,
        reply: &Reply,
        news: &mut News,
    ) -> Result<(), Malformed> {
        let error = match reply {
            Reply::Error(error) => Some(error.as_str()),
            _ => None,
        };
        news.moved |= error.is_some_and(is_elsewhere);
        let redirected = error.is_some_and(is_redirected);
        let refused = redirected || error.is_some_and(is_on_its_way);
        self.stale |= redirected;
        match expected {
            Expected::Published { undelivered, purpose } => {
                if let Some(notice) = undelivered.filter(|_| nobody_got_it(reply)) {
                    match self.nodes.get_mut(&id).and_then(|node| node.expected.front_mut()) {
                        Some(Expected::Role(told)) if error.is_none() => *told = Some(notice),
                        _ => self.notice(&notice, news),
                    }
                }
                // Where it goes instead, it may not be permitted.
                if !redirected {
                    self.published(id, purpose, error, news);
                }
            }
            Expected::Role(notice) => {
                let is_primary = reply.value(b"role").is_some_and(|role| role == b"master");
                self.stale |= !is_primary;
                if let Some(notice) = notice.filter(|_| is_primary) {
                    self.notice(&notice, news);
                }
            }
            Expected::Mark { .. } if redirected => return Err(OUT_OF_STEP),
            Expected::Mark { answer, leaving } => {
                if let Some((channel, queue)) = leaving {
                    news.wakers.extend(self.end_queue(&channel, &queue));
                }
                if let Some(answer) = answer {
                    answer.give(error.map_or(Ok(()), |error| Err(error.to_owned())));
                }
            }
            Expected::Subscribed(channel) if redirected => self.lost(id, &channel, news),
            Expected::Unsubscribed(leaving) if redirected => self.left(leaving, Ok(()), news),
            Expected::Renewed(_) | Expected::Done(_) if refused => {}
            Expected::Subscribed(channel) | Expected::Renewed(channel) => match error {
                Some(error) if is_denied(error) => {
                    self.deny(&channel, error.to_owned());
                    news.denied.push((channel, error.to_owned()));
                }
                Some(error) => self.failed(id, error, news),
                None => {}
            },
            Expected::Unsubscribed(leaving) => {
                // A server always permits it, if only by a push.
                let Some(error) = error else {
                    return Err(OUT_OF_STEP);
                };
                self.left(leaving, Err(error.to_owned()), news);
            }
            Expected::Done(what) => {
                if let Some(error) = error.filter(|error| !is_denied(error)) {
                    news.errors.push(format!("{what}: {error}"));
                }
            }
        }
        Ok(())
    }

    fn published(&mut self, id: NodeId, purpose: Purpose, error: Option<&str>, news: &mut News) {
        let channel = match &purpose {
            Purpose::Told(channel) | Purpose::Asked(channel, _) => channel,
        };
        match error {
            Some(error) if is_denied(error) => {
                news.suspects.push(Arc::clone(channel));
                news.denied.push((Arc::clone(channel), error.to_owned()));
            }
            Some(error) => self.failed(id, error, news),
            None => {}
        }
        if let Purpose::Asked(_, answer) = purpose {
            let denied = error.filter(|error| is_denied(error));
            answer.give(denied.map_or(Ok(()), |error| Err(error.to_owned())));
        }
    }

    /// The server has failed to do something. A script that it has forgotten is loaded again; what
    /// it was to publish is lost, since what was published after it is not in order any more.
    fn failed(&mut self, id: NodeId, error: &str, news: &mut News) {
        if error.starts_with("NOSCRIPT")
            && let Some(node) = self.connected(id)
        {
            let loading = "load the scripts";
            let is_loading =
                |one: &Expected| matches!(one, Expected::Done(what) if *what == loading);
            if !node.expected.iter().any(is_loading) {
                for script in [script::PUBLISH, script::RENEW] {
                    let load: [&[u8]; 3] = [b"SCRIPT", b"LOAD", script.text.as_bytes()];
                    node.command(&load, Expected::Done(loading));
                }
                self.renew(id);
            }
        }
        news.errors.push(error.to_owned());
    }

    fn notice(&mut self, (inbox, token): &Notice, news: &mut News) {
        let packet = Packet::Undelivered(*token);
        news.dropped += self.route(None, inbox, &packet, &mut news.wakers);
    }
}

/// Returns whether the server says that a packet was not delivered. Where it does not have the script, or
/// not the slot, nothing was done.
fn nobody_got_it(reply: &Reply) -> bool {
    match reply {
        Reply::Number(count) => *count == 0,
        Reply::Error(error) => {
            let refused =
                error.starts_with("NOSCRIPT") || is_redirected(error) || is_on_its_way(error);
            refused && !error.contains(" script: ")
        }
        _ => false,
    }
}

/// The slot is at another server, or at none for now.
fn is_redirected(error: &str) -> bool {
    error.starts_with("MOVED ") || error.starts_with("CLUSTERDOWN")
}

/// Keys that the command needs are on their way to another server.
fn is_on_its_way(error: &str) -> bool {
    error.starts_with("ASK ") || error.starts_with("TRYAGAIN")
}

/// In a script the error is one of the script, and tells of the other.
pub(crate) fn is_denied(error: &str) -> bool {
    error.starts_with("NOPERM") || error.contains("ACL failure in script")
}

/// It has become a replica.
fn is_elsewhere(error: &str) -> bool {
    error.starts_with("READONLY")
}
