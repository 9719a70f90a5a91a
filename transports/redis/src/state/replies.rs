//! What a server says, and what follows from it.

use std::{sync::Arc, task::Waker};

use bytes::Bytes;
use conduit::transport::{Packet, Token};

use super::{Channel, Expected, Purpose, State, expected::Leaving};
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
}

const OUT_OF_STEP: Malformed = Malformed::new("a reply was not expected");

impl State {
    /// Takes the next reply of the server.
    ///
    /// # Errors
    /// The server says what was not asked for: the connection is of no use any more.
    pub(crate) fn handle(&mut self, reply: Reply, news: &mut News) -> Result<(), Malformed> {
        let list = match reply {
            Reply::Push(list) => list,
            reply => {
                let expected = self.expected.pop_front().ok_or(OUT_OF_STEP)?;
                return self.answer(expected, &reply, news);
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
            b"message" => {
                if let Some(Reply::Text(packet)) = list.next() {
                    news.dropped += self.route(channel, &Packet::Data(packet), &mut news.wakers);
                }
            }
            b"subscribe" => match self.expected.pop_front() {
                Some(Expected::Subscribed(expected)) if *expected == *channel => {}
                _ => return Err(OUT_OF_STEP),
            },
            b"unsubscribe" => match self.expected.pop_front() {
                Some(Expected::Unsubscribed(leaving)) if *leaving.channel == *channel => {
                    self.left(leaving, Ok(()), news);
                }
                _ => return Err(OUT_OF_STEP),
            },
            _ => {}
        }
        Ok(())
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
        expected: Expected,
        reply: &Reply,
        news: &mut News,
    ) -> Result<(), Malformed> {
        let error = match reply {
            Reply::Error(error) => Some(error.as_str()),
            _ => None,
        };
        news.moved |= error.is_some_and(is_elsewhere);
        match expected {
            Expected::Published { undelivered, purpose } => {
                let undelivered = undelivered.filter(|_| nobody_got_it(reply));
                if let Some((inbox, token)) = undelivered {
                    self.notice(&inbox, token, news);
                }
                self.published(purpose, error, news);
            }
            Expected::Mark { answer, leaving } => {
                if let Some((channel, queue)) = leaving {
                    news.wakers.extend(self.end_queue(&channel, &queue));
                }
                if let Some(answer) = answer {
                    answer.give(error.map_or(Ok(()), |error| Err(error.to_owned())));
                }
            }
            Expected::Subscribed(channel) | Expected::Renewed(channel) => match error {
                Some(error) if is_denied(error) => {
                    self.deny(&channel, error.to_owned());
                    news.denied.push((channel, error.to_owned()));
                }
                Some(error) => self.failed(error, news),
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

    fn published(&mut self, purpose: Purpose, error: Option<&str>, news: &mut News) {
        let channel = match &purpose {
            Purpose::Told(channel) | Purpose::Asked(channel, _) => channel,
        };
        match error {
            Some(error) if is_denied(error) => {
                news.suspects.push(Arc::clone(channel));
                news.denied.push((Arc::clone(channel), error.to_owned()));
            }
            Some(error) => self.failed(error, news),
            None => {}
        }
        if let Purpose::Asked(_, answer) = purpose {
            let denied = error.filter(|error| is_denied(error));
            answer.give(denied.map_or(Ok(()), |error| Err(error.to_owned())));
        }
    }

    /// The server has failed to do something. A script that it has forgotten is loaded again; what
    /// it was to publish is lost, since what was published after it is not in order any more.
    fn failed(&mut self, error: &str, news: &mut News) {
        if error.starts_with("NOSCRIPT") {
            let loading = "load the scripts";
            if !self
                .expected
                .iter()
                .any(|one| matches!(one, Expected::Done(what) if *what == loading))
            {
                for script in [script::PUBLISH, script::RENEW] {
                    let load: [&[u8]; 3] = [b"SCRIPT", b"LOAD", script.text.as_bytes()];
                    self.command(&load, Expected::Done(loading));
                }
                self.renew();
            }
        }
        news.errors.push(error.to_owned());
    }

    fn notice(&mut self, inbox: &Bytes, token: Token, news: &mut News) {
        let inbox = str::from_utf8(inbox).unwrap_or_default();
        news.dropped += self.route(inbox, &Packet::Undelivered(token), &mut news.wakers);
    }
}

/// Returns whether the server says that a packet was not delivered. Where it does not have the script,
/// nothing was done.
fn nobody_got_it(reply: &Reply) -> bool {
    match reply {
        Reply::Number(count) => *count == 0,
        Reply::Error(error) => error.starts_with("NOSCRIPT"),
        _ => false,
    }
}

/// In a script the error is one of the script, and tells of the other.
pub(crate) fn is_denied(error: &str) -> bool {
    error.starts_with("NOPERM") || error.contains("ACL failure in script")
}

/// It has become a replica.
fn is_elsewhere(error: &str) -> bool {
    error.starts_with("READONLY")
}
